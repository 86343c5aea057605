namespace Atelier.Models.Hmm.Inference;

/// <summary>The addresses at which <see cref="HmmSteps.Meet"/> reads and writes, for its first step.</summary>
/// <param name="LikelihoodsAt">The likelihoods of the observations, to read.</param>
/// <param name="OutsAt">The vectors before each step, to write. They are scaled so that their outer products with the
/// vectors of the opposite direction are expected counts.</param>
/// <param name="PosteriorsAt">The posterior probabilities of the states, to write.</param>
internal readonly unsafe record struct PosteriorBlock(nint LikelihoodsAt, nint OutsAt, nint PosteriorsAt)
{
    /// <summary>The likelihoods of the observations.</summary>
    public double* Likelihoods => (double*)LikelihoodsAt;

    /// <summary>The scaled vectors before each step.</summary>
    public double* Outs => (double*)OutsAt;

    /// <summary>The posterior probabilities of the states.</summary>
    public double* Posteriors => (double*)PosteriorsAt;
}
