namespace Atelier.Models.Hmm.Inference;

/// <summary>Where a run of steps reads and writes, at the time it begins with.</summary>
/// <param name="LikelihoodsAt">Likelihoods of what was observed.</param>
/// <param name="OutsAt">The vectors before, scaled so that their products with what they met are expected
/// counts.</param>
/// <param name="PosteriorsAt">The probability of each state.</param>
internal readonly unsafe record struct PosteriorBlock(nint LikelihoodsAt, nint OutsAt, nint PosteriorsAt)
{
    public double* Likelihoods => (double*)LikelihoodsAt;

    public double* Outs => (double*)OutsAt;

    public double* Posteriors => (double*)PosteriorsAt;
}
