using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gan;

/// <summary>
/// The distance between generated images relative to that between real ones: a collapsed generator repeats a few
/// images.
/// </summary>
internal static class SampleDiversity
{
    /// <summary>The mean distance of pairs of made pictures over that of real ones, pairs of one class only.</summary>
    /// <param name="made">[batch, channels, height, width].</param>
    /// <param name="real">As many, of the same classes.</param>
    /// <param name="labels">The classes, [batch]; null takes every pair.</param>
    /// <returns>About 1 where all is well, 0 where every picture is the same; 1 where there is no pair.</returns>
    public static double Of(Tensor made, Tensor real, Tensor? labels)
    {
        using var scope = NewDisposeScope();
        Tensor pairs = ones([made.shape[0], made.shape[0]], ScalarType.Float32, made.device).triu(1);
        if (labels is not null)
            pairs = pairs.mul(labels.unsqueeze(0).eq(labels.unsqueeze(1)));
        double distance = Distances(real).mul(pairs).sum().Number();
        return distance > 0 ? Distances(made).mul(pairs).sum().Number() / distance : 1;
    }

    private static Tensor Distances(Tensor pictures)
    {
        Tensor flat = pictures.flatten(1);
        return cdist(flat, flat);
    }
}
