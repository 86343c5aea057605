using System.Globalization;
using System.Runtime.Intrinsics;

namespace Atelier.Evaluation.Text;

/// <summary>What replaces a count of zero matches in BLEU (Chen and Cherry 2014).</summary>
public enum BleuSmoothing
{
    /// <summary>The k-th order without a match counts 1/2ᵏ of a match (their method 3).</summary>
    Exponential,

    /// <summary>A small number of matches, 0.1 by default (their method 1).</summary>
    Floor,

    /// <summary>
    /// A number that is added to the matches and totals of all orders above 1, 1 by default (their method 2).
    /// </summary>
    AddK,

    /// <summary>Nothing: one order without a match makes the score zero.</summary>
    None,
}

/// <summary>
/// BLEU as sacreBLEU computes it (Papineni et al. 2002; Post 2018), 0 to 100: the geometric mean of the precisions of
/// n-grams of orders 1 to 4, multiplied by a penalty for brevity. Scores are comparable if their signatures are equal.
/// </summary>
public sealed record Bleu : IReferenceMetric<BleuStatistics>
{
    /// <summary>How texts are split into tokens; <see cref="BleuTokenization.Chinese"/> for Chinese.</summary>
    public BleuTokenization Tokenization { get; init; }

    /// <summary>What replaces a count of zero matches.</summary>
    public BleuSmoothing Smoothing { get; init; }

    /// <summary>The number of floor or add-k smoothing, at least 0; null for its default.</summary>
    public double? SmoothingValue { get; init; }

    /// <summary>Whether upper and lower case are equal, by the rules of the invariant culture.</summary>
    public bool Lowercase { get; init; }

    /// <summary>
    /// Whether orders that the text is too short for are left out; for the score of a single sentence.
    /// </summary>
    public bool EffectiveOrder { get; init; }

    /// <inheritdoc/>
    public string Unit => "BLEU";

    private double Addend => SmoothingValue ?? (Smoothing == BleuSmoothing.Floor ? 0.1 : 1);

    /// <inheritdoc/>
    public BleuStatistics Count(string hypothesis, IReadOnlyList<string> references)
    {
        ReferenceMetrics.RequireReference(references);
        var index = new NgramIndex<string>();
        return BleuStatistics.Of(Grams(hypothesis), [.. references.Select(Grams)]);

        NgramCounts Grams(string text) => index.Count(
            BleuTokenizer.Tokens(Lowercase ? text.ToLowerInvariant() : text, Tokenization), BleuStatistics.LongestGram);
    }

    /// <summary>Computes the score of a corpus from the sum of its statistics.</summary>
    public BleuScore Score(BleuStatistics total)
    {
        (long own, long reference) = (total.HypothesisLength, total.ReferenceLength);
        double brevity = own >= reference ? 1 : own == 0 ? 0 : Math.Exp(1 - ((double)reference / own));
        var precisions = new double[BleuStatistics.LongestGram];
        int orders = EffectiveOrder ? 0 : precisions.Length;
        double smallest = 1;
        for (int n = 0; n < precisions.Length && total.Matches != Vector256<long>.Zero; n++)
        {
            double added = Smoothing == BleuSmoothing.AddK && n > 0 ? Addend : 0;
            (double matches, double count) = (total.Matches[n] + added, total.Totals[n] + added);
            if (count == 0)
                break;
            orders = Math.Max(orders, n + 1);
            if (matches == 0 && Smoothing == BleuSmoothing.Exponential)
                matches = smallest /= 2;
            else if (matches == 0 && Smoothing == BleuSmoothing.Floor)
                matches = Addend;
            precisions[n] = 100 * matches / count;
        }
        double value = orders == 0 ? 0 : brevity * Math.Exp(precisions.Take(orders).Sum(Math.Log) / orders);
        return new(value, precisions, brevity, own, reference);
    }

    /// <inheritdoc/>
    public double Value(BleuStatistics total) => Score(total).Value;

    /// <summary>
    /// Returns the settings as sacreBLEU's signature writes them, such as
    /// <c>nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp</c>. It has no version, because this is not sacreBLEU's code.
    /// </summary>
    /// <param name="references">The number of references of each text.</param>
    public string Signature(int references)
    {
        string smoothing = Smoothing switch
        {
            BleuSmoothing.Exponential => "exp",
            BleuSmoothing.Floor => string.Create(CultureInfo.InvariantCulture, $"floor[{Addend:0.00}]"),
            BleuSmoothing.AddK => string.Create(CultureInfo.InvariantCulture, $"add-k[{Addend:0.00}]"),
            _ => "none",
        };
        return string.Create(CultureInfo.InvariantCulture, $"nrefs:{references}|case:{(Lowercase ? "lc" : "mixed")}")
            + $"|eff:{(EffectiveOrder ? "yes" : "no")}|tok:{BleuTokenizer.NameOf(Tokenization)}|smooth:{smoothing}";
    }
}
