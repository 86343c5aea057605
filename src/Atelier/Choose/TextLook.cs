using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Atelier.Data.Text;
using Atelier.Data.Text.Cleaning;
using Atelier.Data.Text.Reading;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Choose;

/// <summary>Looks at text in one pass, in memory that does not grow with it but for a hash of each document.</summary>
internal static class TextLook
{
    private const long FewCharacters = 50_000, FewForWords = 1_000_000;
    private const int SampledCharacters = 1 << 16; // of the beginning, by which the language is guessed

    private static readonly (string Language, string[] Words)[] Languages =
    [
        ("English", ["the", "and", "of", "to", "is", "that", "in"]),
        ("German", ["der", "die", "und", "das", "ist", "nicht", "ein"]),
        ("French", ["le", "la", "et", "les", "est", "des", "une"]),
        ("Spanish", ["el", "los", "que", "las", "una", "por", "con"]),
        ("Italian", ["il", "che", "di", "della", "per", "sono", "gli"]),
        ("Portuguese", ["não", "uma", "os", "para", "com", "mais", "dos"]),
        ("Dutch", ["het", "een", "niet", "van", "zijn", "ook", "maar"]),
    ];

    private static readonly (string Name, int From, int To)[] Scripts =
    [
        ("Latin script", 'A', 0x24F), ("Greek", 0x370, 0x3FF), ("Cyrillic script", 0x400, 0x52F),
        ("Hebrew", 0x590, 0x5FF), ("Arabic script", 0x600, 0x6FF), ("Devanagari script", 0x900, 0x97F),
        ("Thai", 0xE00, 0xE7F), ("Japanese", 0x3040, 0x30FF), ("Chinese", 0x3400, 0x9FFF),
        ("Korean", 0xAC00, 0xD7AF), ("Chinese", 0x20000, 0x2FFFF),
    ];

    /// <summary>Looks at the text of a recipe's data section.</summary>
    /// <inheritdoc cref="DataLooks.Of" path="/exception"/>
    public static DataLook Of(DataSection section, long seed, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        var lengths = new List<long>();
        var characters = new Dictionary<int, long>();
        var seen = new HashSet<ulong>();
        var sample = new StringBuilder();
        long length = 0, copies = 0;
        using var hash = new DataFingerprint();
        foreach (DocumentPiece piece in TextPreview.Read(section, seed, new TextCleaning(section.Clean),
            new ReadingReport(progress, cancellation), progress, cancellation))
        {
            foreach (Rune rune in piece.Text.EnumerateRunes())
            {
                CollectionsMarshal.GetValueRefOrAddDefault(characters, rune.Value, out _)++;
                length++;
            }
            hash.Add<char>(piece.Text);
            if (sample.Length < SampledCharacters)
                sample.Append(piece.Text.AsSpan(0, Math.Min(piece.Text.Length, SampledCharacters))).Append('\n');
            if (!piece.Ends)
                continue;
            copies += seen.Add(hash.Take()) ? 0 : 1;
            lengths.Add(length);
            length = 0;
        }
        if (lengths.Count == 0)
            throw new AtelierException("there is no text", section.Source, "choose a source with text");
        lengths.Sort();
        long all = lengths.Sum();
        double copied = copies / (double)lengths.Count;
        return new(
        [
            new("documents", DataLooks.Number(lengths.Count)),
            new("characters", $"{DataLooks.Number(all)}, {DataLooks.Number(characters.Count)} of them distinct"),
            new("document lengths", lengths.Count == 1 ? $"{DataLooks.Number(all)} characters"
                : $"median {DataLooks.Number(lengths[lengths.Count / 2])}, longest {DataLooks.Number(lengths[^1])}"),
            new("language", LanguageOf(characters, sample.ToString())), new("copies", DataLooks.Percent(copied)),
        ],
        [
            .. all < FewCharacters
                ? [$"{DataLooks.Number(all)} characters are little text: a model of them spells, but makes no sense"]
                : all < FewForWords
                ? [$"{DataLooks.Number(all)} characters teach spelling and style, not facts"] : Array.Empty<string>(),
            .. DataLooks.Copies(copied, "documents"),
        ], lengths.Count);
    }

    /// <summary>Returns the language of the most frequent script; for Latin script, by frequent words.</summary>
    private static string LanguageOf(Dictionary<int, long> characters, string sample)
    {
        var letters = characters.Where(c => Rune.IsLetter(new Rune(c.Key))).ToArray();
        double all = Math.Max(1, letters.Sum(letter => letter.Value));
        (string Name, double Share)[] scripts =
        [
            .. Scripts.GroupBy(script => script.Name).Select(group => (group.Key, letters
                .Where(letter => group.Any(script => letter.Key >= script.From && letter.Key <= script.To))
                .Sum(letter => letter.Value) / all)).OrderByDescending(script => script.Item2),
        ];
        bool isJapanese = scripts.Any(script => script is { Name: "Japanese", Share: > 0.1 });
        string name = isJapanese ? "Japanese" : scripts[0].Share == 0 ? "unknown" : scripts[0].Name;
        if (name != "Latin script")
            return name;
        var words = sample.ToLower(CultureInfo.InvariantCulture)
            .Split(sample.Distinct().Where(c => !char.IsLetter(c)).ToArray(), StringSplitOptions.RemoveEmptyEntries)
            .CountBy(word => word).ToDictionary();
        (string Language, int Count)[] counts = [.. Languages.Select(one =>
            (one.Language, one.Words.Sum(word => words.GetValueOrDefault(word)))).OrderByDescending(one => one.Item2)];
        int total = Math.Max(1, words.Values.Sum());
        return counts[0].Count > 0.03 * total && counts[0].Count > 1.5 * counts[1].Count
            ? $"probably {counts[0].Language}" : name;
    }
}
