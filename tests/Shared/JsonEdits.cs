using System.Text.Json.Nodes;

namespace Atelier.TestSupport;

/// <summary>Changes one place in a JSON file.</summary>
internal static class JsonEdits
{
    /// <summary>
    /// Sets the value at a path such as "model.dropout" or "added_tokens[0].lstrip"; makes the file where there is
    /// none.
    /// </summary>
    public static void Set(string file, string path, string json)
    {
        JsonNode root = File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file))! : new JsonObject();
        string[] names = path.Replace("[", ".[", StringComparison.Ordinal)
            .Split('.', StringSplitOptions.RemoveEmptyEntries);
        JsonNode at = root;
        foreach (string name in names[..^1])
            at = Place(name) is int place ? at[place]! : at[name] ??= new JsonObject();
        JsonNode? value = JsonNode.Parse(json);
        if (Place(names[^1]) is int last)
            at[last] = value;
        else
            at[names[^1]] = value;
        File.WriteAllText(file, root.ToJsonString());
    }

    private static int? Place(string name) =>
        name.StartsWith('[') ? int.Parse(name.Trim('[', ']'), System.Globalization.CultureInfo.InvariantCulture) : null;
}
