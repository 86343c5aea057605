using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Atelier.Data.Text.Cleaning;

/// <summary>The list of cleaning steps. A new step is one line here.</summary>
public static partial class CleaningSteps
{
    /// <summary>All cleaning steps, in the order in which it is useful to apply them.</summary>
    public static IReadOnlyList<CleaningStepKind> All { get; } =
    [
        new("html", null, "Removes tags, comments, scripts and styles, and decodes character references (&amp;).",
            _ => p => HtmlText.Strip(p.Text)),
        new("unicode-nfc", null, "Normalises to Unicode form C: composes letters and their accents.",
            _ => p => Normalize(p.Text, NormalizationForm.FormC)),
        new("unicode-nfkc", null, "Normalises to Unicode form KC: also replaces compatibility characters such as ﬁ "
            + "and full-width letters.",
            _ => p => Normalize(p.Text, NormalizationForm.FormKC)),
        new("control-characters", null,
            "Removes control and invisible format characters, except line ends, tabs and joiners.",
            _ => p => WithoutControls(p.Text)),
        new("whitespace", null,
            "Collapses runs of spaces and of blank lines, and removes spaces at line ends.",
            _ => p => Spaces(p.Text)),
        new("duplicate-lines", null, "Removes lines that occurred earlier in the data.",
            _ => new SeenLines().Apply),
        new("duplicates", null, "Removes documents whose text occurred earlier.", _ => new SeenDocuments().Apply),
        new("near-duplicates", null,
            "Removes documents that share most of their word 5-grams with an earlier one (MinHash, Broder 1997).",
            _ => new NearDuplicates().Apply),
        new("min-length", "characters", "Removes documents of fewer than N characters.",
            n => p => p.Whole && TextCount.Scalars(p.Text) < n ? null : p.Text),
        new("max-length", "characters", "Removes documents of more than N characters.",
            n => p => !p.Whole || TextCount.Scalars(p.Text) > n ? null : p.Text),
    ];

    /// <summary>Creates the step with the given name, such as "unicode-nfc" or "min-length:20".</summary>
    /// <exception cref="AtelierException">The name is unknown, or its number is missing or invalid.</exception>
    public static CleaningStep Create(string name)
    {
        string[] parts = name.Split(':', 2);
        CleaningStepKind? kind = All.FirstOrDefault(k => k.Name == parts[0]);
        if (kind is null)
        {
            string near = Spelling.Nearest(parts[0], All.Select(k => k.Name)) is { } nearest
                ? $"did you mean '{nearest}'? " : "";
            throw new AtelierException($"there is no cleaning step '{parts[0]}'", "data.clean",
                $"{near}The steps are {string.Join(", ", All.Select(k => k.Usage))}");
        }
        if (kind.Argument is null && parts.Length > 1)
            throw new AtelierException($"the cleaning step '{kind.Name}' does not take a number", "data.clean",
                $"write {kind.Usage}");
        long number = 0;
        if (kind.Argument is not null && (parts.Length < 2
            || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out number) || number < 1))
            throw new AtelierException(
                $"the cleaning step '{kind.Name}' needs a number of {kind.Argument} of at least 1", "data.clean",
                $"write {kind.Name}:20, for example");
        return kind.Create(number);
    }

    private static string Normalize(string text, NormalizationForm form)
    {
        // An unpaired surrogate cannot be normalised, but the text on both sides of it can.
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0 && UnpairedSurrogate().IsMatch(text))
        {
            IEnumerable<string> surrogates = UnpairedSurrogate().Matches(text).Select(match => match.Value).Append("");
            return string.Concat(UnpairedSurrogate().Split(text)
                .Zip(surrogates, (between, surrogate) => between.Normalize(form) + surrogate));
        }
        return text.IsNormalized(form) ? text : text.Normalize(form);
    }

    private static string WithoutControls(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (char c in text)
            if (c is '\n' or '\t' or '\u200C' or '\u200D'
                || char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format))
                kept.Append(c);
        return kept.Length == text.Length ? text : kept.ToString();
    }

    private static string Spaces(string text)
    {
        string spaced = SpaceRun().Replace(text, " ");
        return BlankLines().Replace(SpaceAtLineEdge().Replace(spaced, "\n"), "\n\n").Trim(' ', '\n');
    }

    [GeneratedRegex(@"(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])", RegexOptions.None,
        60_000)]
    private static partial Regex UnpairedSurrogate();

    [GeneratedRegex(@"[^\S\n]+", RegexOptions.None, 60_000)]
    private static partial Regex SpaceRun();

    [GeneratedRegex(" *\n *", RegexOptions.None, 60_000)]
    private static partial Regex SpaceAtLineEdge();

    [GeneratedRegex("\n{3,}", RegexOptions.None, 60_000)]
    private static partial Regex BlankLines();
}
