using System.Globalization;
using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text;

namespace Atelier.Evaluation.Text;

/// <summary>
/// The counts that chrF is computed from, of a text or, added up, of a corpus: those of character n-grams of orders 1
/// to 6, then those of word n-grams of orders 1 and 2.
/// </summary>
/// <param name="Hypothesis">The number of n-grams of the generated text, of orders that the reference has.</param>
/// <param name="Reference">The number of n-grams of the reference.</param>
/// <param name="Matches">How many n-grams they have in common.</param>
public readonly record struct ChrfStatistics(Vector512<long> Hypothesis, Vector512<long> Reference,
    Vector512<long> Matches) : IAdditionOperators<ChrfStatistics, ChrfStatistics, ChrfStatistics>
{
    /// <summary>Adds the counts of two texts.</summary>
    public static ChrfStatistics operator +(ChrfStatistics left, ChrfStatistics right) =>
        new(left.Hypothesis + right.Hypothesis, left.Reference + right.Reference, left.Matches + right.Matches);
}

/// <summary>
/// chrF as sacreBLEU computes it (Popović 2015), 0 to 100: the F score of the mean precision and the mean recall of
/// character n-grams of orders 1 to 6 without white space. With <see cref="WordOrder"/> 2 it is chrF++ (Popović 2017).
/// Orders that the texts are too short for are left out.
/// </summary>
public sealed record Chrf : IReferenceMetric<ChrfStatistics>
{
    private const int CharacterOrder = 6, LongestWordOrder = 2;

    /// <summary>The longest word n-grams: 0 for chrF, 2 for chrF++.</summary>
    public int WordOrder
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, LongestWordOrder);
            field = value;
        }
    }

    /// <summary>How many times as important recall is as precision.</summary>
    public double Beta { get; init; } = 2;

    /// <summary>Whether upper and lower case are equal, by the rules of the invariant culture.</summary>
    public bool Lowercase { get; init; }

    /// <inheritdoc/>
    public string Unit => string.Create(CultureInfo.InvariantCulture, $"chrF{Beta}{new string('+', WordOrder)}");

    /// <summary>Counts the statistics of one text with the reference that gives it the highest score.</summary>
    /// <inheritdoc/>
    public ChrfStatistics Count(string hypothesis, IReadOnlyList<string> references)
    {
        ReferenceMetrics.RequireReference(references);
        var characters = new NgramIndex<Rune>();
        var words = new NgramIndex<string>();
        (NgramCounts, NgramCounts) own = Grams(hypothesis);
        return references.Select(reference => Compare(own, Grams(reference))).MaxBy(Value);

        (NgramCounts Characters, NgramCounts Words) Grams(string text)
        {
            string[] tokens = BleuTokenizer.Words(Lowercase ? text.ToLowerInvariant() : text);
            Rune[] runes = [.. string.Concat(tokens).EnumerateRunes()];
            return (characters.Count(runes, CharacterOrder),
                words.Count(WordOrder == 0 ? [] : [.. tokens.SelectMany(Parted)], LongestWordOrder));
        }
    }

    /// <inheritdoc/>
    public double Value(ChrfStatistics total)
    {
        double precision = 0, recall = 0, orders = 0;
        for (int i = 0; i < CharacterOrder + WordOrder; i++)
        {
            (double own, double reference) = (total.Hypothesis[i], total.Reference[i]);
            if (own == 0 || reference == 0)
                continue;
            orders++;
            precision += total.Matches[i] / own;
            recall += total.Matches[i] / reference;
        }
        return precision + recall == 0 ? 0
            : 100 * (1 + (Beta * Beta)) * precision * recall / orders / ((Beta * Beta * precision) + recall);
    }

    /// <summary>
    /// Returns the settings as sacreBLEU's signature writes them, without a version, such as
    /// <c>nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no</c>.
    /// </summary>
    /// <param name="references">The number of references of each text.</param>
    public string Signature(int references) => string.Create(CultureInfo.InvariantCulture,
        $"nrefs:{references}|case:{(Lowercase ? "lc" : "mixed")}|eff:yes|nc:{CharacterOrder}|nw:{WordOrder}|space:no");

    private static ChrfStatistics Compare((NgramCounts Characters, NgramCounts Words) own,
        (NgramCounts Characters, NgramCounts Words) reference)
    {
        Span<long> hypothesis = stackalloc long[Vector512<long>.Count], total = stackalloc long[Vector512<long>.Count],
            matches = stackalloc long[Vector512<long>.Count];
        for (int i = 0; i < CharacterOrder + LongestWordOrder; i++)
        {
            bool isWord = i >= CharacterOrder;
            (NgramCounts a, NgramCounts b) = isWord ? (own.Words, reference.Words)
                : (own.Characters, reference.Characters);
            int n = isWord ? i - CharacterOrder + 1 : i + 1;
            total[i] = b.Total(n);
            hypothesis[i] = total[i] == 0 ? 0 : a.Total(n);
            matches[i] = a.Matches([b], n);
        }
        return new(Vector512.Create<long>(hypothesis), Vector512.Create<long>(total), Vector512.Create<long>(matches));
    }

    /// <summary>Parts an ASCII punctuation mark from the end of a word or, without one there, from its start.</summary>
    private static string[] Parted(string word) => word.Length == 1 ? [word]
        : IsMark(word[^1]) ? [word[..^1], word[^1..]]
        : IsMark(word[0]) ? [word[..1], word[1..]]
        : [word];

    private static bool IsMark(char c) => char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c));
}
