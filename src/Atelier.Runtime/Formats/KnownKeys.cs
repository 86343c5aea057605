using System.Globalization;
using System.Text.Json;

namespace Atelier.Formats;

/// <summary>
/// The keys that a reader supports in one kind of JSON object written by other tools. Any other key that has an effect
/// is refused by name, because ignoring it would silently change the result.
/// </summary>
public sealed class KnownKeys
{
    private const int LongestValue = 60;
    private readonly HashSet<string> _passed;
    private readonly Dictionary<string, string[]> _only;

    /// <summary>Declares the keys that a reader supports.</summary>
    /// <param name="read">The keys that are read.</param>
    /// <param name="harmless">The keys that cannot change a result: names, versions, training settings.</param>
    /// <param name="only">The keys that are supported with certain values only, written as JSON: "true", "1",
    /// "\"silu\"". Null is always allowed.</param>
    public KnownKeys(
        IEnumerable<string> read, IEnumerable<string> harmless, params IEnumerable<(string Key, string[] Values)> only)
    {
        _passed = [.. read, .. harmless];
        _only = only.ToDictionary(o => o.Key, o => o.Values);
    }

    /// <summary>Refuses the unsupported keys of an object.</summary>
    /// <param name="value">The JSON object.</param>
    /// <param name="file">The path of the file, for error messages.</param>
    /// <param name="at">The path of the object in the file, with a dot at its end; empty for the root.</param>
    /// <exception cref="AtelierException">A key that has an effect is not supported.</exception>
    public void Check(JsonElement value, string file, string at = "") =>
        Check(value.EnumerateObject().Select(property => (property.Name, ToText(property.Value))), file, at);

    /// <summary>Refuses unsupported keys.</summary>
    /// <param name="entries"> The keys with their values as JSON; strings are in quotation marks but without escapes.
    /// </param>
    /// <inheritdoc cref="Check(JsonElement, string, string)"/>
#pragma warning disable CS1573 // the other parameters are documented at the overload
    public void Check(IEnumerable<(string Key, string Value)> entries, string file, string at = "")
#pragma warning restore CS1573
    {
        foreach ((string key, string value) in entries)
        {
            if (value == "null" || _passed.Contains(key))
                continue;
            if (_only.TryGetValue(key, out string[]? allowed))
            {
                if (!allowed.Any(one => IsSame(one, value)))
                {
                    throw new AtelierException($"'{at}{key}' is {Shortened(value)}, which is not supported", file,
                        $"supported {(allowed.Length == 1 ? "is" : "are")} {string.Join(" and ", allowed)}: use a "
                            + $"model without it");
                }
            }
            else if (!HasNoEffect(value))
            {
                string? near = Spelling.Nearest(key, _passed.Concat(_only.Keys));
                throw new AtelierException($"the key '{at}{key}' with the value {Shortened(value)} is not "
                    + $"supported", file,
                    near is null ? "it would be ignored: use a model without it"
                        : $"it would be ignored; did you mean '{near}'?");
            }
        }
    }

    private static string ToText(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? $"\"{value.GetString()}\"" : value.GetRawText();

    // A switch that is off or an empty list has the same effect as a missing key.
    private static bool HasNoEffect(string value) => value is "false" or "\"\""
        || value.All(c => c is '[' or ']' or '{' or '}' || char.IsWhiteSpace(c));

    private static bool IsSame(string one, string value) => one == value
        || (Number(one) is double a && Number(value) is double b && a == b);

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    private static string Shortened(string value) => value.Length > LongestValue ? value[..LongestValue] + "…" : value;
}
