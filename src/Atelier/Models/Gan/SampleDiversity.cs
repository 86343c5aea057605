using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gan;

/// <summary>
/// The distance between generated images relative to that between real ones: a collapsed generator repeats a few
/// images.
/// </summary>
internal static class SampleDiversity
{
    /// <summary>The mean distance of generated images of one class, divided by that of real images.</summary>
    /// <param name="generated">[batch, channels, height, width].</param>
    /// <param name="real">As many, of the same classes.</param>
    /// <param name="labels">The classes, [batch]; null compares all images.</param>
    /// <returns>About 1 for a good generator, 0 if all images are equal; 1 if no two have the same class.</returns>
    public static double Of(Tensor generated, Tensor real, Tensor? labels)
    {
        using var scope = NewDisposeScope();
        Tensor pairs = ones([generated.shape[0], generated.shape[0]], ScalarType.Float32, generated.device).triu(1);
        if (labels is not null)
            pairs = pairs.mul(labels.unsqueeze(0).eq(labels.unsqueeze(1)));
        double distance = Distances(real).mul(pairs).sum().Number();
        return distance > 0 ? Distances(generated).mul(pairs).sum().Number() / distance : 1;
    }

    private static Tensor Distances(Tensor images)
    {
        Tensor flat = images.flatten(1);
        return cdist(flat, flat);
    }
}
