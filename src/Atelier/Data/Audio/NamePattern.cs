using System.Text;
using System.Text.RegularExpressions;

namespace Atelier.Data.Audio;

/// <summary>
/// A pattern of file names such as "{class}_{speaker}_{index}", which gives each part in braces its value. It is compared
/// with the whole name of a file, without its folders and its extension.
/// </summary>
internal sealed class NamePattern
{
    /// <summary>The part that is the class of a file.</summary>
    public const string Class = "class";

    /// <summary>The part that names the speaker, or another source, of a sound.</summary>
    public const string Speaker = "speaker";

    private readonly Regex _regex;

    private NamePattern(string text, Regex regex, IReadOnlyList<string> parts) =>
        (Text, _regex, Parts) = (text, regex, parts);

    /// <summary>The pattern as it was written.</summary>
    public string Text { get; }

    /// <summary>The names of the parts.</summary>
    public IReadOnlyList<string> Parts { get; }

    /// <summary>Reads a pattern.</summary>
    /// <param name="text">The pattern.</param>
    /// <param name="key">The recipe's key, for messages.</param>
    /// <exception cref="AtelierException">A brace is not closed, a part has no plain name, or occurs twice.</exception>
    public static NamePattern Parse(string text, string key)
    {
        var regex = new StringBuilder("^");
        var parts = new List<string>();
        for (int at = 0; at < text.Length;)
        {
            int open = text.IndexOf('{', at), end = open < 0 ? text.Length : open;
            regex.Append(Regex.Escape(text[at..end]));
            if (open < 0)
                break;
            int close = text.IndexOf('}', open);
            string part = close < 0 ? "" : text[(open + 1)..close];
            if (part.Length == 0 || !part.All(char.IsAsciiLetter) || parts.Contains(part))
                throw new AtelierException($"'{text}' is not a pattern of file names", key,
                    "write each part once, as a word in braces: {class}_{speaker}_{index}");
            parts.Add(part);
            regex.Append($"(?<{part}>.+?)");
            at = close + 1;
        }
        return new(text, new Regex(regex.Append('$').ToString(),
            RegexOptions.NonBacktracking | RegexOptions.CultureInvariant), parts);
    }

    /// <summary>Returns the value of each part in the name of a file; null if the name does not match.</summary>
    /// <param name="name">The path of the file, with / as separator.</param>
    public IReadOnlyDictionary<string, string>? Match(string name)
    {
        string file = name[(name.LastIndexOf('/') + 1)..];
        int dot = file.LastIndexOf('.');
        Match match = _regex.Match(dot > 0 ? file[..dot] : file);
        return match.Success ? Parts.ToDictionary(part => part, part => match.Groups[part].Value) : null;
    }
}
