using System.Globalization;
using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>Resolves JSON pointers written as URI fragments (RFC 6901, section 6).</summary>
internal static class JsonPointer
{
    /// <summary>Returns the value at a pointer such as "#/a/b/0", or null if there is none.</summary>
    public static JsonElement? Resolve(JsonElement root, string pointer)
    {
        if (pointer == "#")
            return root;
        if (!pointer.StartsWith("#/", StringComparison.Ordinal))
            return null;
        JsonElement at = root;
        foreach (string part in Uri.UnescapeDataString(pointer[2..]).Split('/'))
        {
            string key = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(key, out JsonElement value))
                at = value;
            else if (at.ValueKind == JsonValueKind.Array && IndexOf(key) is int index && index < at.GetArrayLength())
                at = at[index];
            else
                return null;
        }
        return at;
    }

    private static int? IndexOf(string key) =>
        (key == "0" || !key.StartsWith('0'))
        && int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? index : null;
}
