using System.Security.Cryptography;
using System.Text;
using Atelier.Data.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>A network that computes features by which images are compared, and that may classify them.</summary>
internal abstract class FeatureNetwork : IDisposable
{
    private const int Together = 500; // the size of a batch
    private string? _fingerprint;

    /// <summary>A description, one sentence without a full stop.</summary>
    public abstract string Description { get; }

    /// <summary>Whether it classifies the images' own classes.</summary>
    public abstract bool KnowsClasses { get; }

    /// <summary>The cache of features of real images; null caches nothing.</summary>
    public FeatureCache? Cache { get; set; }

    /// <summary>The weights by name, which the cache identifies the network by.</summary>
    protected abstract IEnumerable<(string Name, Tensor Weight)> Weights { get; }

    /// <summary>Computes the features of images.</summary>
    /// <param name="images">[batch, channels, height, width], fp32, −1 to 1.</param>
    /// <returns>Features, [batch, width], and the logits of the classes, [batch, classes], or null.</returns>
    protected abstract (Tensor Features, Tensor? Logits) Forward(Tensor images);

    /// <summary>Computes the features of images in batches, or returns cached ones.</summary>
    /// <returns>The features, on the CPU in fp64. The caller disposes them.</returns>
    public ImageFeatures Extract(ImageSet images, string name, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        if (Cache is null || images.Content is not { } content)
            return Compute(images, name, progress, cancellation);
        string key = FormattableString.Invariant($"{_fingerprint ??= Fingerprint()} {content()} {images.Count}");
        if (Cache.Find(key, progress) is { } kept)
            return kept;
        ImageFeatures seen = Compute(images, name, progress, cancellation);
        Cache.Keep(key, seen);
        return seen;
    }

    private ImageFeatures Compute(ImageSet images, string name, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        List<Tensor> features = [], logits = [];
        for (int first = 0; first < images.Count; first += Together)
        {
            cancellation.ThrowIfCancellationRequested();
            using var batch = NewDisposeScope();
            (Tensor seen, Tensor? said) = Forward(Batch(images, first, Math.Min(Together, images.Count - first)));
            features.Add(seen.to(ScalarType.Float64).cpu().MoveToOuterDisposeScope());
            if (said is not null)
                logits.Add(said.to(ScalarType.Float64).cpu().MoveToOuterDisposeScope());
            if (first > 0 && first % 10_000 == 0)
                progress?.Report(FormattableString.Invariant($"{first} of {images.Count} {name} looked at"));
        }
        return new ImageFeatures(cat(features).MoveToOuterDisposeScope(), logits.Count == 0 ? null
            : cat(logits).log_softmax(1).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    private string Fingerprint()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(GetType().Name));
        foreach ((string name, Tensor weight) in Weights.OrderBy(w => w.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData(weight.cpu().contiguous().bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static Tensor Batch(ImageSet images, int first, int count)
    {
        ImageSchema schema = images.Schema;
        var values = new float[count * schema.Size];
        Parallel.For(0, count, i =>
        {
            byte[] image = new byte[schema.Size];
            images.Read(first + i, image);
            ImageBatches.Scale(image, values.AsSpan(i * schema.Size, schema.Size));
        });
        return tensor(values, count, schema.Channels, schema.Height, schema.Width);
    }
}
