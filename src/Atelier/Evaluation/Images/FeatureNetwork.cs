using Atelier.Data.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>A network by whose inner values pictures are compared, and which may say what class a picture is of.</summary>
internal abstract class FeatureNetwork : IDisposable
{
    private const int Together = 500; // pictures at once

    /// <summary>What it is, one sentence without a full stop.</summary>
    public abstract string Description { get; }

    /// <summary>Whether its probabilities are of the pictures' own classes.</summary>
    public abstract bool KnowsClasses { get; }

    /// <summary>What the network makes of pictures.</summary>
    /// <param name="pictures">[batch, channels, height, width], fp32, −1 to 1.</param>
    /// <returns>Features, [batch, width], and the classes' logits, [batch, classes], or null.</returns>
    protected abstract (Tensor Features, Tensor? Logits) Forward(Tensor pictures);

    /// <summary>Looks at pictures, on all cores, some at a time.</summary>
    /// <returns>On the CPU in fp64; the caller owns them.</returns>
    public PictureFeatures Look(PictureSet pictures, string name, IProgress<string>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        List<Tensor> features = [], logits = [];
        for (int first = 0; first < pictures.Count; first += Together)
        {
            cancellation.ThrowIfCancellationRequested();
            using var batch = NewDisposeScope();
            (Tensor seen, Tensor? said) = Forward(Batch(pictures, first, Math.Min(Together, pictures.Count - first)));
            features.Add(seen.to(ScalarType.Float64).cpu().MoveToOuterDisposeScope());
            if (said is not null)
                logits.Add(said.to(ScalarType.Float64).cpu().MoveToOuterDisposeScope());
            if (first > 0 && first % 10_000 == 0)
                progress?.Report(FormattableString.Invariant($"{first} of {pictures.Count} {name} looked at"));
        }
        return new PictureFeatures(cat(features).MoveToOuterDisposeScope(), logits.Count == 0 ? null : cat(logits).log_softmax(1).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    private static Tensor Batch(PictureSet pictures, int first, int count)
    {
        ImageSchema schema = pictures.Schema;
        var values = new float[count * schema.Size];
        Parallel.For(0, count, i =>
        {
            byte[] picture = new byte[schema.Size];
            pictures.Read(first + i, picture);
            ImageBatches.Scale(picture, values.AsSpan(i * schema.Size, schema.Size));
        });
        return tensor(values, count, schema.Channels, schema.Height, schema.Width);
    }
}
