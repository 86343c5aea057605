using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>What a network makes of some images.</summary>
/// <param name="Values">[images, width], fp64, on the CPU.</param>
/// <param name="LogProbabilities">Of the classes, [images, classes], fp64; null where the network knows none.</param>
internal sealed record ImageFeatures(Tensor Values, Tensor? LogProbabilities)
{
    /// <summary>How many images.</summary>
    public int Count => (int)Values.shape[0];

    /// <summary>For each image whether the likeliest class is the one of a label.</summary>
    public bool[] AreOf(IReadOnlyList<int> labels)
    {
        using var scope = NewDisposeScope();
        long[] said = LogProbabilities!.argmax(1).data<long>().ToArray();
        return [.. said.Select((label, i) => label == labels[i])];
    }
}
