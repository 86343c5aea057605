using System.Globalization;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>The distribution of one variable, or of several jointly, given the evidence.</summary>
/// <param name="Probabilities">
/// The probability of each state, or of each combination of states in row-major order; they sum to 1.
/// </param>
/// <param name="Sampling">How the probabilities were estimated; null if they are exact.</param>
public sealed record Posterior(double[] Probabilities, Sampling? Sampling)
{
    /// <summary>Whether the probabilities are exact up to rounding.</summary>
    public bool IsExact => Sampling is null;
}

/// <summary>Describes how probabilities were estimated from weighted rows.</summary>
/// <param name="Rows">The number of rows sampled.</param>
/// <param name="EffectiveRows">The effective sample size (∑w)² / ∑w²: the number of rows with equal weights that would
/// be as precise (Kish 1965).</param>
/// <param name="Low">The lower end of the 95 % confidence interval of each probability.</param>
/// <param name="High">The upper end of the 95 % confidence interval of each probability.</param>
public sealed record Sampling(long Rows, double EffectiveRows, double[] Low, double[] High)
{
    /// <summary>Half the width of the widest confidence interval.</summary>
    public double Precision => Low.Zip(High, (low, high) => (high - low) / 2).Max();

    /// <summary>Describes the precision and the number of rows in one line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"within ±{Precision:G2} at 95 % confidence, from {EffectiveRows:0} effective of {Rows} weighted rows");
}
