using System.Text;

namespace Atelier.Evaluation.Text;

/// <summary>What ROUGE compares.</summary>
public enum RougeKind
{
    /// <summary>Words.</summary>
    Rouge1,

    /// <summary>Pairs of adjacent words.</summary>
    Rouge2,

    /// <summary>The longest common subsequence of words.</summary>
    RougeL,
}

/// <summary>How ROUGE splits texts into words. Both lower the case and ignore punctuation.</summary>
public enum RougeTokenization
{
    /// <summary>Words are runs of ASCII letters and digits; nothing else counts, as in rouge_score.</summary>
    Ascii,

    /// <summary>
    /// Words are runs of letters and digits of any alphabet; each letter without case, such as a Chinese character, is
    /// a word of its own.
    /// </summary>
    Unicode,
}

/// <summary>A ROUGE score of one text.</summary>
/// <param name="Precision">The share of the generated text that is in the reference, 0 to 1.</param>
/// <param name="Recall">The share of the reference that is in the generated text, 0 to 1.</param>
public readonly record struct RougeScore(double Precision, double Recall)
{
    /// <summary>The harmonic mean of precision and recall, 0 to 1.</summary>
    public double F1 => Precision + Recall == 0 ? 0 : 2 * Precision * Recall / (Precision + Recall);
}

/// <summary>
/// ROUGE (Lin 2004) as Google's rouge_score computes it, without stemming: the mean over texts of the F1 score, 0 to 1.
/// Of several references, the one with the highest F1 counts.
/// </summary>
/// <param name="Kind">What is compared.</param>
/// <param name="Tokenization">How texts are split into words.</param>
public sealed record Rouge(RougeKind Kind, RougeTokenization Tokenization = RougeTokenization.Ascii)
    : IReferenceMetric<MeanScore>
{
    /// <inheritdoc/>
    public string Unit => Kind switch
    {
        RougeKind.Rouge1 => "ROUGE-1 F1, 0 to 1",
        RougeKind.Rouge2 => "ROUGE-2 F1, 0 to 1",
        _ => "ROUGE-L F1, 0 to 1",
    };

    /// <summary>Compares a text with one reference.</summary>
    public RougeScore Score(string hypothesis, string reference)
    {
        (string[] own, string[] other) = (Words(hypothesis), Words(reference));
        if (Kind == RougeKind.RougeL)
            return Share(LongestCommonSubsequence(own, other), own.Length, other.Length);
        int n = Kind == RougeKind.Rouge1 ? 1 : 2;
        var index = new NgramIndex<string>();
        (NgramCounts grams, NgramCounts otherGrams) = (index.Count(own, n), index.Count(other, n));
        return Share(grams.Matches([otherGrams], n), grams.Total(n), otherGrams.Total(n));

        static RougeScore Share(long common, int own, int other) =>
            new((double)common / Math.Max(1, own), (double)common / Math.Max(1, other));
    }

    /// <inheritdoc/>
    public MeanScore Count(string hypothesis, IReadOnlyList<string> references)
    {
        ReferenceMetrics.RequireReference(references);
        return new(references.Max(reference => Score(hypothesis, reference).F1), 1);
    }

    /// <inheritdoc/>
    public double Value(MeanScore total) => total.Quotient;

    private string[] Words(string text)
    {
        string lower = text.ToLowerInvariant();
        return Tokenization == RougeTokenization.Unicode
            ? [.. DiversityResult.Words(lower).Where(word => Rune.IsLetterOrDigit(Rune.GetRuneAt(word, 0)))]
            : string.Concat(lower.Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' '))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    private static int LongestCommonSubsequence(string[] left, string[] right)
    {
        var lengths = new int[right.Length + 1]; // of the words of left so far and each prefix of right
        foreach (string word in left)
            for (int j = 0, diagonal = 0; j < right.Length; j++)
            {
                int above = lengths[j + 1];
                lengths[j + 1] = word == right[j] ? diagonal + 1 : Math.Max(above, lengths[j]);
                diagonal = above;
            }
        return lengths[^1];
    }
}
