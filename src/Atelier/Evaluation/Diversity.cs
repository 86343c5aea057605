using System.Globalization;
using System.Text;
using Atelier.Evaluation.Text;

namespace Atelier.Evaluation;

/// <summary>The diversity of generated samples.</summary>
/// <param name="Distinct1">The number of distinct words divided by the number of words (Li et al. 2016).</param>
/// <param name="Distinct2">The same for pairs of words.</param>
/// <param name="Distinct3">The same for triples of words.</param>
/// <param name="SelfBleu">The mean BLEU-4 of each sample against the others (Zhu et al. 2018); 1 if all samples are
/// equal.</param>
public sealed record DiversityResult(double Distinct1, double Distinct2, double Distinct3, double SelfBleu)
{
    private static readonly Bleu SentenceBleu = new() { Smoothing = BleuSmoothing.Floor, EffectiveOrder = true };

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
        var index = new NgramIndex<string>();
        NgramCounts[] grams = [.. samples.Select(sample => index.Count(Words(sample), BleuStatistics.LongestGram))];
        return new DiversityResult(Distinct(grams, 1), Distinct(grams, 2), Distinct(grams, 3), MeanSelfBleu(grams));
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

    private static double Distinct(NgramCounts[] samples, int n)
    {
        int total = samples.Sum(sample => sample.Total(n));
        return total == 0 ? 0 : (double)samples.SelectMany(s => s.Counts[n - 1].Keys).Distinct().Count() / total;
    }

    private static double MeanSelfBleu(NgramCounts[] samples)
    {
        NgramCounts[] nonEmpty = [.. samples.Where(sample => sample.Length > 0)];
        return nonEmpty.Length < 2 ? 0 : nonEmpty.Average(own => SentenceBleu.Value(
            BleuStatistics.Of(own, [.. nonEmpty.Where(other => !ReferenceEquals(other, own))])) / 100);
    }
}
