using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>
/// Draws pictures from a model. The n-th picture of a seed depends on the seed and n alone, but for what ancestral
/// sampling adds. Safe for concurrent use: requests take turns, as many pictures at a time as are best drawn at once;
/// one that is cancelled does not wait for its turn, and a caller that stops reading holds up no other.
/// </summary>
/// <param name="model">Disposed with the generator.</param>
/// <param name="identity">Which model it is; null while it learns.</param>
public sealed class ImageGenerator(ImageModel model, BundleIdentity? identity = null) : ITrainedModel, IGenerator
{
    private const int MostTogether = 100, MostValues = 1 << 20; // pictures at once, and their values
    private readonly SemaphoreSlim _turns = new(1, 1); // entered to draw, never while a caller looks at pictures

    /// <summary>Pictures that are best drawn at once.</summary>
    internal int BatchSize => Math.Clamp(MostValues / Schema.Size, 1, MostTogether);

    /// <summary>The size, channels and classes of its images.</summary>
    public ImageSchema Schema => model.Schema;

    /// <summary>Whether it can be asked for a class.</summary>
    public bool IsConditional => model.IsConditional;

    /// <summary>The model.</summary>
    public ImageModel Model => model;

    /// <summary>Which model it is; null while it learns.</summary>
    public BundleIdentity? Identity => identity;

    /// <summary>
    /// Enlarges the pictures that this one draws, and is not disposed with it; null leaves them as they are.
    /// </summary>
    /// <exception cref="AtelierException">It enlarges no pictures, or not such as this one draws.</exception>
    public ImageGenerator? Upscaler
    {
        get;
        set => field = value is null ? null : Enlarges(value);
    }

    /// <summary>What its pictures have in common once they are enlarged.</summary>
    public ImageSchema DrawnSchema => Upscaler?.Schema ?? Schema;

    /// <summary>Receives intermediate images while sampling, on another thread; null for none.</summary>
    public Action<SamplingStep>? Watch { get; set; }

    /// <inheritdoc/>
    /// <exception cref="AtelierException">The class does not exist, or something is asked for in vain.</exception>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(classes: true, drawing: true, only: true);
        SamplingOptions drawing = model.Check(request.Drawing ?? new SamplingOptions());
        Interpolation? ways = drawing.Interpolate is { } ends ? new Interpolation(ends, request, this) : null;
        int? label = ways is null && request.Class is { } name ? Label(name) : null;
        ImageSchema large = DrawnSchema;
        for (int first = 0; first < request.Count; first += BatchSize)
        {
            int count = Math.Min(BatchSize, request.Count - first), start = first;
            // One picture is made among those it was first made with: what it is depends on no more than them.
            if (request.Only is { } only && (only < first || only >= first + count))
                continue;
            byte[] pixels = await InTurnAsync(() =>
            {
                byte[] drawn = ways is null
                    ? Sample(request.Seed, start, count, label, drawing, cancellation)
                    : Sample(ways, start, count, drawing, cancellation);
                return Upscaler is null ? drawn : Upscaler.Enlarge(drawn, request.Seed, start,
                    ways is null ? Labels(request.Seed, start, count, label) : ways.Labels(start, count), cancellation);
            }, cancellation).ConfigureAwait(false);
            for (int i = 0; i < count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (request.Only is { } wanted && wanted != first + i)
                    continue;
                yield return new ImageSample(large.Width, large.Height, large.Channels,
                    large.Interleave(pixels.AsSpan(i * large.Size, large.Size)))
                {
                    Class = (ways is null ? label : ways.Label(first + i)) is { } asked ? Schema.Classes[asked] : null,
                };
            }
        }
    }

    /// <summary>Draws while no other request does, on a thread of the pool.</summary>
    private async Task<byte[]> InTurnAsync(Func<byte[]> draw, CancellationToken cancellation)
    {
        await _turns.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(draw, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>
    /// Draws pictures at once; a conditional model that is asked for no class takes each picture's at random.
    /// </summary>
    /// <param name="seed">Of all pictures.</param>
    /// <param name="first">The number of the first one.</param>
    /// <param name="count">How many.</param>
    /// <param name="label">The class of all of them; null for any.</param>
    /// <param name="drawing">How.</param>
    /// <param name="cancellation">Stops, at the next step of a model that draws in several.</param>
    /// <returns>[count, channels, height, width], 0 to 255.</returns>
    public byte[] Sample(long seed, int first, int count, int? label, SamplingOptions drawing,
        CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        Tensor noise = Noise(seed, first, count);
        Tensor? labels = model.IsConditional ? Labels(seed, first, count, label) : null;
        return Sample(SplitMix64.At((ulong)seed, (ulong)first), first, noise, labels, drawing, given: null,
            cancellation);
    }

    /// <summary>Makes large pictures of small ones at once.</summary>
    /// <param name="seed">Of all pictures.</param>
    /// <param name="first">The number of the first one.</param>
    /// <param name="small">[count, channels, height, width], of the small size, −1 to 1.</param>
    /// <param name="labels">Their classes, as <see cref="ImageModel.Sample"/> takes them.</param>
    /// <param name="drawing">How.</param>
    /// <param name="cancellation">Stops, at the next step of a model that draws in several.</param>
    /// <returns>[count, channels, height, width], 0 to 255.</returns>
    internal byte[] Enlarge(long seed, int first, Tensor small, Tensor? labels, SamplingOptions drawing,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        return Sample(SplitMix64.At((ulong)seed, (ulong)first), first, Noise(seed, first, (int)small.shape[0]),
            model.IsConditional ? labels : null, drawing, small, cancellation);
    }

    /// <summary>The classes that pictures are drawn for.</summary>
    public Tensor Labels(long seed, int first, int count, int? label) => tensor(Enumerable.Range(first, count)
        .Select(n => label
            ?? (long)(SplitMix64.At((ulong)seed ^ 0x5EED, (ulong)n) % (ulong)Math.Max(1, Schema.Classes.Count)))
            .ToArray());

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();

    /// <summary>−1 to 1 becomes 0 to 255, in the order of the tensor.</summary>
    internal static byte[] Bytes(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        return pictures.PlusNumber(1).Times(127.5).round().Clamped(0, 255).to(ScalarType.Byte).cpu()
            .contiguous().bytes.ToArray();
    }

    /// <summary>Standard normal numbers, each picture's from a seed of its own, [count, noise size].</summary>
    internal Tensor Noise(long seed, int first, int count)
    {
        using var random = new Generator(0, CPU);
        Tensor noise = empty(count, model.NoiseSize);
        for (int row = 0; row < count; row++)
        {
            using var scope = NewDisposeScope();
            random.manual_seed((long)SplitMix64.At((ulong)seed, (ulong)first + (ulong)row));
            noise.narrow(0, row, 1).normal_(0, 1, random);
        }
        return noise;
    }

    /// <summary>The label of a class that is asked for.</summary>
    /// <exception cref="AtelierException">There is no such class, or the model has no classes.</exception>
    internal int Label(string name)
    {
        int label = Schema.Label(name);
        return model.IsConditional ? label
            : throw new AtelierException($"the model was not taught classes, so '{name}' cannot be asked for",
                Mention.Field("class"), "train with model.conditional true");
    }

    /// <summary>Enlarges what another model drew.</summary>
    private byte[] Enlarge(byte[] drawn, long seed, int first, Tensor? labels, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        IUpscaler upscaler = model.Upscaler!;
        // other noise than that which the small pictures began as
        var own = (long)SplitMix64.At((ulong)seed, ulong.MaxValue);
        return Enlarge(own, first, ImageBatches.Scaled(drawn, upscaler.Small), labels,
            model.Check(new SamplingOptions { Strength = upscaler.StrengthForDrawn }), cancellation);
    }

    private ImageGenerator Enlarges(ImageGenerator other)
    {
        if (other.Model.Upscaler?.Small is not { } small)
            throw new AtelierException("the model enlarges no pictures", Mention.Field("upscale"),
                "name one that was trained with model.upscale");
        if ((small.Width, small.Height, small.Channels) != (Schema.Width, Schema.Height, Schema.Channels))
            throw new AtelierException($"the model enlarges {Size(small)}, and {Size(Schema)} are drawn",
                Mention.Field("upscale"),
                "name one that was trained for this size");
        if (other.IsConditional && !(model.IsConditional && Schema.Classes.SequenceEqual(other.Schema.Classes)))
            throw new AtelierException(
                "the model enlarges by class, and the pictures are drawn of other classes or none",
                    Mention.Field("upscale"),
                "train it with model.conditional false");
        return other;

        static string Size(ImageSchema schema) =>
            $"{schema.ColourName} pictures of {schema.Width} × {schema.Height}";
    }

    private byte[] Sample(Interpolation ways, int first, int count, SamplingOptions drawing,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        return Sample((ulong)first, first, ways.Noise(first, count), ways.Labels(first, count), drawing,
            ways.Given(first, count), cancellation);
    }

    /// <summary>Draws pictures at once, each from its noise, and from its given picture where there are any.</summary>
    private byte[] Sample(ulong seed, int first, Tensor noise, Tensor? labels, SamplingOptions drawing, Tensor? given,
        CancellationToken cancellation)
    {
        Device device = model.parameters().First().device;
        using IDisposable threads = model.Threads.Begin(device, noise.shape[0]); // one sampling at a time
        using var mode = new EvaluationMode(model);
        using var random = new Generator(seed, device);
        model.Watch = Watch is null ? null : seen =>
            Watch(new(first, seen.Done, () => Separate(Bytes(seen.Pictures()))));
        Tensor pictures =
            model.Sample(noise.to(device), labels?.to(device), drawing, random, given?.to(device), cancellation);
        byte[] drawn = Bytes(pictures);
        Watch?.Invoke(new(first, 1, () => Separate(drawn)));
        return drawn;
    }

    private byte[][] Separate(byte[] planes) =>
        [.. Enumerable.Range(0, planes.Length / Schema.Size)
        .Select(i => Schema.Interleave(planes.AsSpan(i * Schema.Size, Schema.Size)))];
}
