namespace Atelier.Models.Hmm.Inference;

/// <summary>The addresses at which <see cref="HmmSteps.Meet"/> reads and writes, for its first step.</summary>
/// <param name="LikelihoodsAt">The likelihoods of the observations, to read.</param>
/// <param name="OutsAt">The vectors before each step, to write. They are scaled so that their outer products with the
/// vectors of the opposite direction are expected counts.</param>
/// <param name="PosteriorsAt">The posterior probabilities of the states, to write.</param>
internal readonly unsafe record struct PosteriorBlock(nint LikelihoodsAt, nint OutsAt, nint PosteriorsAt)
{
    public double* Likelihoods => (double*)LikelihoodsAt;

    public double* Outs => (double*)OutsAt;

    public double* Posteriors => (double*)PosteriorsAt;
}
