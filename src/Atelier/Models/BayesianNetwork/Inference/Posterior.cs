using System.Globalization;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>The distribution of a variable, or of several together, given what is known.</summary>
/// <param name="Probabilities">
/// A probability for each state, or combination of states with the first variable slowest; they sum to 1.
/// </param>
/// <param name="Sampling">How they were estimated; null where they are exact.</param>
public sealed record Posterior(double[] Probabilities, Sampling? Sampling)
{
    /// <summary>Whether the probabilities are exact up to rounding.</summary>
    public bool IsExact => Sampling is null;
}

/// <summary>How probabilities were estimated from weighted rows.</summary>
/// <param name="Rows">The rows drawn.</param>
/// <param name="EffectiveRows">The effective sample size: the number of rows with equal weights that would be as
/// precise (Kish 1965), (∑w)² / ∑w².</param>
/// <param name="Low">For each probability the lower end of its interval of 95 % confidence.</param>
/// <param name="High">For each the upper end.</param>
public sealed record Sampling(long Rows, double EffectiveRows, double[] Low, double[] High)
{
    /// <summary>Half the width of the widest interval.</summary>
    public double Precision => Low.Zip(High, (low, high) => (high - low) / 2).Max();

    /// <summary>The same for people.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"within ±{Precision:G2} at 95 % confidence, from {EffectiveRows:0} effective of {Rows} weighted rows");
}
