using System.Globalization;
using System.Text;

namespace Atelier.Evaluation;

/// <summary>The diversity of generated samples.</summary>
/// <param name="Distinct1">The number of distinct words divided by the number of words (Li et al. 2016).</param>
/// <param name="Distinct2">The same for pairs of words.</param>
/// <param name="Distinct3">The same for triples of words.</param>
/// <param name="SelfBleu">The mean BLEU-4 of each sample against the others (Zhu et al. 2018); 1 if all samples are
/// equal.</param>
public sealed record DiversityResult(double Distinct1, double Distinct2, double Distinct3, double SelfBleu)
{
    private const int LongestGram = 4;
    private const double Smoothing = 0.1; // replaces a count of zero (Chen and Cherry 2014, method 1)

    /// <summary>Returns the results as metrics: distinct1, distinct2, distinct3 and selfBleu.</summary>
    public Dictionary<string, Metric> Figures() => new()
    {
        ["distinct1"] = Metric.Exact(Distinct1, "share of words"),
        ["distinct2"] = Metric.Exact(Distinct2, "share of word pairs"),
        ["distinct3"] = Metric.Exact(Distinct3, "share of word triples"),
        ["selfBleu"] = Metric.Exact(SelfBleu, "BLEU-4, 0 to 1"),
    };

    /// <summary>Measures the diversity of samples.</summary>
    public static DiversityResult Of(IReadOnlyList<string> samples)
    {
        string[][] words = [.. samples.Select(Words)];
        return new DiversityResult(Distinct(words, 1), Distinct(words, 2), Distinct(words, 3), MeanSelfBleu(words));
    }

    /// <summary>Splits a text into words, punctuation marks, and single characters of scripts without spaces.</summary>
    internal static string[] Words(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        void Close()
        {
            if (word.Length > 0)
                words.Add(word.ToString());
            word.Clear();
        }
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) && Rune.GetUnicodeCategory(rune) != UnicodeCategory.OtherLetter)
            {
                word.Append(rune);
                continue;
            }
            Close();
            if (!Rune.IsWhiteSpace(rune))
                words.Add(rune.ToString());
        }
        Close();
        return [.. words];
    }

    private static double Distinct(string[][] samples, int n)
    {
        string[] grams = [.. samples.SelectMany(words => Grams(words, n))];
        return grams.Length == 0 ? 0 : (double)grams.Distinct().Count() / grams.Length;
    }

    private static double MeanSelfBleu(string[][] samples)
    {
        string[][] nonEmpty = [.. samples.Where(words => words.Length > 0)];
        if (nonEmpty.Length < 2)
            return 0;
        return nonEmpty.Select((words, i) => Bleu(words, [.. nonEmpty.Where((_, j) => j != i)])).Average();
    }

    /// <summary>
    /// Computes the BLEU of a sentence against references (Papineni et al. 2002): the geometric mean of the clipped
    /// n-gram precisions, multiplied by the brevity penalty.
    /// </summary>
    internal static double Bleu(string[] words, string[][] references)
    {
        int longest = Math.Min(LongestGram, words.Length);
        double logPrecision = 0;
        for (int n = 1; n <= longest; n++)
        {
            Dictionary<string, int>[] counts = [.. references.Select(r => Grams(r, n).CountBy(g => g).ToDictionary())];
            double matched = Grams(words, n).CountBy(g => g)
                .Sum(g => Math.Min(g.Value, counts.Max(c => c.GetValueOrDefault(g.Key))));
            logPrecision += Math.Log(Math.Max(matched, Smoothing) / (words.Length - n + 1)) / longest;
        }
        int nearest = references.Select(r => r.Length).MinBy(length => (Math.Abs(length - words.Length), length));
        return Math.Exp(logPrecision + Math.Min(0, 1 - (double)nearest / words.Length));
    }

    private static IEnumerable<string> Grams(string[] words, int n) =>
        Enumerable.Range(0, Math.Max(0, words.Length - n + 1))
            .Select(i => string.Join('\u001f', words.AsSpan(i, n).ToArray()));
}
