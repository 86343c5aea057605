using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>The features of images.</summary>
/// <param name="Values">[images, width], fp64, on the CPU.</param>
/// <param name="LogProbabilities">The log-probabilities of the classes, [images, classes], fp64; null if the network
/// has none.</param>
internal sealed record ImageFeatures(Tensor Values, Tensor? LogProbabilities)
{
    /// <summary>The number of images.</summary>
    public int Count => (int)Values.shape[0];

    /// <summary>Returns for each image whether its most probable class is that of its label.</summary>
    public bool[] AreOf(IReadOnlyList<int> labels)
    {
        using var scope = NewDisposeScope();
        long[] classes = LogProbabilities!.argmax(1).data<long>().ToArray();
        return [.. classes.Select((label, i) => label == labels[i])];
    }
}
