using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Atelier.Recipes;

/// <summary>
/// Writes a recipe with all its values, including defaults, as YAML that <see cref="RecipeReader"/> reads back as the
/// same recipe.
/// </summary>
public static partial class RecipeWriter
{
    private static readonly JsonSerializerOptions Quoting =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Returns the YAML of <paramref name="recipe"/>.</summary>
    public static string Write(Recipe recipe)
    {
        var text = new StringBuilder();
        Section(text, recipe, indent: 0);
        return text.ToString();
    }

    private static void Section(StringBuilder text, object record, int indent)
    {
        foreach ((object owner, PropertyInfo property) in RecipeNames.Keys(record))
            Entry(text, RecipeNames.Key(property), property.GetValue(owner), indent);
    }

    private static void Entry(StringBuilder text, string key, object? value, int indent)
    {
        text.Append(' ', indent).Append(key).Append(':');
        if (value is ModelSection model)
        {
            text.Append('\n').Append(' ', indent + 2).Append("family: ").Append(Quote(model.Family)).Append('\n');
            if (model.Config is not null)
                Section(text, model.Config, indent + 2);
        }
        else if (Plain(value) is { } plain)
        {
            text.Append(' ').Append(plain).Append('\n');
        }
        else
        {
            text.Append('\n');
            Section(text, value!, indent + 2);
        }
    }

    /// <summary>Returns the YAML of a value on one line; null for a section.</summary>
    internal static string? Plain(object? value) => value switch
    {
        null => "null",
        string text => Quote(text),
        bool truth => truth ? "true" : "false",
        Enum choice => RecipeNames.Value(choice),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Plain))}]",
        _ => null,
    };

    /// <summary>Returns the YAML of a string, quoted if needed.</summary>
    // JSON's quoting is also valid in YAML's double quotes, except for characters that YAML must escape.
    internal static string Quote(string text) => Bare().IsMatch(text) && text is not ("null" or "true" or "false")
        ? text
        : Unprintable().Replace(JsonSerializer.Serialize(text, Quoting), m => $"\\u{(int)m.Value[0]:x4}");

    [GeneratedRegex(@"^[\p{L}_/][\p{L}\p{N}_./-]*(:[\p{L}\p{N}_./-]+)*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Bare();

    [GeneratedRegex(@"[\x7F-\x9F\u2028\u2029\uFEFF\uFFFE\uFFFF]", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Unprintable();
}
