using System.Globalization;
using System.Text.RegularExpressions;

namespace Atelier.Data.Audio;

/// <summary>
/// A condition on a part of a file's name, such as "index &lt; 5", "speaker = theo" or "speaker = theo, lucas".
/// </summary>
internal sealed partial class NameCondition
{
    private readonly string _part, _sign, _value;

    private NameCondition(string part, string sign, string value) => (_part, _sign, _value) = (part, sign, value);

    /// <summary>Reads a condition.</summary>
    /// <param name="text">The condition.</param>
    /// <param name="pattern">The pattern that has the part.</param>
    /// <param name="key">The recipe's key, for messages.</param>
    /// <exception cref="AtelierException">It is not a condition, or the pattern lacks the part.</exception>
    public static NameCondition Parse(string text, NamePattern? pattern, string key)
    {
        Match match = Form().Match(text);
        if (!match.Success)
            throw new AtelierException($"'{text}' is not a condition on a part of a file name", key,
                "write the part, one of < <= > >= = !=, and a value: index < 5; for = and !=, or several: speaker = "
                    + "theo, lucas");
        string part = match.Groups["part"].Value;
        return pattern is null
            ? throw new AtelierException("a condition on file names needs a pattern of them", key,
                $"write the pattern in data.audio.labels, such as {{class}}_{{{part}}}")
            : !pattern.Parts.Contains(part)
            ? throw new AtelierException($"the pattern {pattern.Text} has no part '{part}'", key,
                $"it has {string.Join(", ", pattern.Parts)}")
            : new(part, match.Groups["sign"].Value, match.Groups["value"].Value);
    }

    /// <summary>
    /// Returns whether the parts of a name fulfil the condition. Numbers are compared as numbers, other values as text;
    /// = is met by any of several values, and != by none of them.
    /// </summary>
    public bool IsMet(IReadOnlyDictionary<string, string> parts)
    {
        string found = parts[_part];
        return _sign switch
        {
            "<" => Order(_value) < 0,
            "<=" => Order(_value) <= 0,
            ">" => Order(_value) > 0,
            ">=" => Order(_value) >= 0,
            "!=" => !IsAny(),
            _ => IsAny(),
        };

        bool IsAny() => _value.Split(',', StringSplitOptions.TrimEntries).Any(value => Order(value) == 0);

        int Order(string value) => Number(found) is { } x && Number(value) is { } y ? x.CompareTo(y)
            : string.CompareOrdinal(found, value);
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    [GeneratedRegex(@"^\s*(?<part>[A-Za-z]+)\s*(?<sign><=|>=|!=|<|>|=)\s*(?<value>\S.*?)\s*$",
        RegexOptions.NonBacktracking)]
    private static partial Regex Form();
}
