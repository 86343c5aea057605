using System.Globalization;
using System.Text.Json;

namespace Atelier.Formats;

/// <summary>
/// The keys that a reader supports in one kind of JSON object of another system. Any other key with a meaning is
/// refused by name, because ignoring it would silently change the result.
/// </summary>
public sealed class KnownKeys
{
    private const int LongestValue = 60;
    private readonly HashSet<string> _passed;
    private readonly Dictionary<string, string[]> _only;

    /// <summary>Declares what a reader knows.</summary>
    /// <param name="read">Keys whose values it takes, whatever they are.</param>
    /// <param name="harmless">Keys that cannot change a result: names, versions, what matters in training only.</param>
    /// <param name="only">Keys that are supported with these values only, as JSON writes them: "true", "1", "\"silu\"".
    /// Null has no meaning, as everywhere.</param>
    public KnownKeys(
        IEnumerable<string> read, IEnumerable<string> harmless, params IEnumerable<(string Key, string[] Values)> only)
    {
        _passed = [.. read, .. harmless];
        _only = only.ToDictionary(o => o.Key, o => o.Values);
    }

    /// <summary>Refuses what is not read among an object's keys.</summary>
    /// <param name="value">A JSON object.</param>
    /// <param name="file">Where it stands, for the error.</param>
    /// <param name="at">The path to it in the file, with a dot at its end; empty for the root.</param>
    /// <exception cref="AtelierException">A key with a meaning is not supported.</exception>
    public void Check(JsonElement value, string file, string at = "") =>
        Check(value.EnumerateObject().Select(p => (p.Name, p.Value.ValueKind == JsonValueKind.String
            ? $"\"{p.Value.GetString()}\"" : p.Value.GetRawText())), file, at);

    /// <summary>Refuses what is not read among keys.</summary>
    /// <param name="entries">
    /// The keys, and their values as JSON writes them, texts as they are in quotation marks.
    /// </param>
    /// <inheritdoc cref="Check(JsonElement, string, string)"/>
#pragma warning disable CS1573 // the other parameters are the other method's
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
            else if (!SaysNothing(value))
            {
                string? near = Spelling.Nearest(key, _passed.Concat(_only.Keys));
                throw new AtelierException($"the key '{at}{key}' with the value {Shortened(value)} is not "
                    + $"supported", file,
                    near is null ? "it would be ignored: use a model without it"
                        : $"it would be ignored; did you mean '{near}'?");
            }
        }
    }

    // A switch that is off and a list without items: what every reader does that does not know the key.
    private static bool SaysNothing(string value) => value is "false" or "\"\"" || value.All(c => c is '[' or ']' or '{'
        or '}' || char.IsWhiteSpace(c));

    private static bool IsSame(string one, string value) => one == value
        || (Number(one) is double a && Number(value) is double b && a == b);

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    private static string Shortened(string value) => value.Length > LongestValue ? value[..LongestValue] + "…" : value;
}
