using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>
/// Generates images with a model. The n-th image of a seed depends on the seed and n alone, except for the noise that
/// ancestral sampling adds. Safe for concurrent use: requests take turns batch by batch; a cancelled request does not
/// wait for its turn, and a caller that stops reading does not block others.
/// </summary>
/// <param name="model">The model. It is disposed with the generator.</param>
/// <param name="identity">The identity of the model; null during training.</param>
public sealed class ImageGenerator(ImageModel model, BundleIdentity? identity = null)
    : ITrainedModel, IGenerator, IIdentifiedModel
{
    private const int MostTogether = 100, MostValues = 1 << 20; // images at once, and their values
    private readonly SemaphoreSlim _turns = new(1, 1); // held while a batch is generated, never while a caller reads

    /// <summary>Number of images that are best generated at once.</summary>
    internal int BatchSize => Math.Clamp(MostValues / Schema.Size, 1, MostTogether);

    /// <summary>The size, channels and classes of its images.</summary>
    public ImageSchema Schema => model.Schema;

    /// <summary>Whether it can be asked for a class.</summary>
    public bool IsConditional => model.IsConditional;

    /// <summary>The model.</summary>
    public ImageModel Model => model;

    /// <inheritdoc/>
    public BundleIdentity? Identity => identity;

    /// <summary>The sampling options of a request that sets none.</summary>
    public SamplingDefaults Defaults { get; init; } = new();

    /// <summary>
    /// The generator that enlarges the images of this one. It is not disposed with this one. Null leaves them as they
    /// are.
    /// </summary>
    /// <exception cref="AtelierException">It does not enlarge images, or not images such as this one
    /// generates.</exception>
    public ImageGenerator? Upscaler
    {
        get;
        set => field = value is null ? null : Enlarges(value);
    }

    /// <summary>
    /// Computes the sounds of a model of spectrograms. It is not disposed with this one. Null takes the algorithm of
    /// Griffin and Lim (1984).
    /// </summary>
    /// <exception cref="AtelierException">The model generates no spectrograms, or the vocoder was trained on
    /// others.</exception>
    public IVocoder? Vocoder
    {
        get;
        set => field = value is null || value.Format.Mel == Schema.Spectrogram?.Mel ? value
            : throw new AtelierException(Schema.Spectrogram is null ? "the model generates no spectrograms"
                : "the vocoder was trained on other spectrograms than the model", Mention.Field("vocoder"),
                "train it with the same data.audio.sampleRate and data.audio.spectrogram, or leave it out");
    }

    /// <summary>The size, channels and classes of the images after enlarging.</summary>
    public ImageSchema DrawnSchema => Upscaler?.Schema ?? Schema;

    /// <summary>Receives intermediate images while sampling, on another thread; null for none.</summary>
    public Action<SamplingStep>? Watch { get; set; }

    /// <summary>Returns the options of a request with the defaults filled in.</summary>
    /// <param name="drawing">The options; null takes the defaults alone.</param>
    /// <exception cref="AtelierException">An option has no meaning for the model, or an impossible value.</exception>
    public SamplingOptions Resolve(SamplingOptions? drawing = null) =>
        model.Check(drawing ?? new SamplingOptions(), Defaults);

    /// <inheritdoc/>
    /// <exception cref="AtelierException">The class does not exist, or an option is not supported.</exception>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(classes: true, drawing: true, only: true);
        SamplingOptions drawing = Resolve(request.Drawing);
        Interpolation? paths = drawing.Interpolate is { } ends ? new Interpolation(ends, request, this) : null;
        int? label = paths is null && request.Class is { } name ? Label(name) : null;
        ImageSchema large = DrawnSchema;
        for (int first = 0; first < request.Count; first += BatchSize)
        {
            int count = Math.Min(BatchSize, request.Count - first), start = first;
            // An image is generated in the batch that it was first generated in, since rounding depends on the batch.
            if (request.Only is { } only && (only < first || only >= first + count))
                continue;
            byte[] pixels = await InTurnAsync(() =>
            {
                byte[] drawn = paths is null
                    ? Sample(request.Seed, start, count, label, drawing, cancellation)
                    : Sample(paths, start, count, drawing, cancellation);
                return Upscaler is null ? drawn : Upscaler.Enlarge(drawn, request.Seed, start,
                    paths is null ? Labels(request.Seed, start, count, label) : paths.Labels(start, count),
                    cancellation);
            }, cancellation).ConfigureAwait(false);
            for (int i = 0; i < count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (request.Only is { } wanted && wanted != first + i)
                    continue;
                yield return new ImageSample(large.Width, large.Height, large.Channels,
                    large.Interleave(pixels.AsSpan(i * large.Size, large.Size)))
                {
                    Class = (paths is null ? label : paths.Label(first + i)) is { } own ? Schema.Classes[own] : null,
                };
            }
        }
    }

    /// <summary>Generates on a thread of the pool, while no other request does.</summary>
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
    /// Generates a batch of images. Without a class, a conditional model draws the class of each image at random.
    /// </summary>
    /// <param name="seed">The seed of all images.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="count">The number of images.</param>
    /// <param name="label">The class of all images; null for any.</param>
    /// <param name="drawing">The sampling options, as <see cref="Resolve"/> returns them.</param>
    /// <param name="cancellation">Cancels before the next sampling step.</param>
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

    /// <summary>Enlarges a batch of small images.</summary>
    /// <param name="seed">The seed of all images.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="small">[count, channels, height, width], of the small size, −1 to 1.</param>
    /// <param name="labels">Their classes, as <see cref="ImageModel.Sample"/> takes them.</param>
    /// <param name="drawing">The sampling options, as <see cref="Resolve"/> returns them.</param>
    /// <param name="cancellation">Cancels before the next sampling step.</param>
    /// <returns>[count, channels, height, width], 0 to 255.</returns>
    internal byte[] Enlarge(long seed, int first, Tensor small, Tensor? labels, SamplingOptions drawing,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        return Sample(SplitMix64.At((ulong)seed, (ulong)first), first, Noise(seed, first, (int)small.shape[0]),
            model.IsConditional ? labels : null, drawing, small, cancellation);
    }

    /// <summary>Returns the classes of images, [count], int64.</summary>
    public Tensor Labels(long seed, int first, int count, int? label) => tensor(Enumerable.Range(first, count)
        .Select(n => label
            ?? (long)(SplitMix64.At((ulong)seed ^ 0x5EED, (ulong)n) % (ulong)Math.Max(1, Schema.Classes.Count)))
            .ToArray());

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();

    /// <summary>Converts values from −1 to 1 to bytes, in the order of the tensor.</summary>
    internal static byte[] Bytes(Tensor images)
    {
        using var scope = NewDisposeScope();
        return images.PlusNumber(1).Times(127.5).round().Clamped(0, 255).to(ScalarType.Byte).cpu()
            .contiguous().bytes.ToArray();
    }

    /// <summary>Returns standard normal noise, each image's from its own seed, [count, noise size].</summary>
    internal Tensor Noise(long seed, int first, int count) => SeededNoise.Of(seed, first, count, model.NoiseSize);

    /// <summary>Returns the label of a requested class.</summary>
    /// <exception cref="AtelierException">There is no such class, or the model has no classes.</exception>
    internal int Label(string name)
    {
        int label = Schema.Label(name);
        return model.IsConditional ? label
            : throw new AtelierException($"the model was not trained with classes, so '{name}' cannot be asked for",
                Mention.Field("class"), "train with model.conditional true");
    }

    /// <summary>Enlarges images that another model generated.</summary>
    private byte[] Enlarge(byte[] drawn, long seed, int first, Tensor? labels, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        IUpscaler upscaler = model.Upscaler!;
        // noise that differs from that of the small images
        var own = (long)SplitMix64.At((ulong)seed, ulong.MaxValue);
        return Enlarge(own, first, ImageBatches.Scaled(drawn, upscaler.Small), labels,
            Resolve(new SamplingOptions { Strength = upscaler.StrengthForDrawn }), cancellation);
    }

    private ImageGenerator Enlarges(ImageGenerator other)
    {
        if (other.Model.Upscaler?.Small is not { } small)
            throw new AtelierException("the model does not enlarge images", Mention.Field("upscale"),
                "name one that was trained with model.upscale");
        if ((small.Width, small.Height, small.Channels) != (Schema.Width, Schema.Height, Schema.Channels))
            throw new AtelierException($"the model enlarges {Size(small)}, but the generated images are {Size(Schema)}",
                Mention.Field("upscale"),
                "name one that was trained for this size");
        if (other.IsConditional && !(model.IsConditional && Schema.Classes.SequenceEqual(other.Schema.Classes)))
            throw new AtelierException(
                "the model enlarges by class, but the images have other classes or none",
                    Mention.Field("upscale"),
                "train it with model.conditional false");
        return other;

        static string Size(ImageSchema schema) =>
            $"{schema.ColourName} images of {schema.Width} × {schema.Height}";
    }

    private byte[] Sample(Interpolation paths, int first, int count, SamplingOptions drawing,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        return Sample((ulong)first, first, paths.Noise(first, count), paths.Labels(first, count), drawing,
            paths.Given(first, count), cancellation);
    }

    /// <summary>Generates a batch of images, each from its noise and, where there are any, its given image.</summary>
    private byte[] Sample(ulong seed, int first, Tensor noise, Tensor? labels, SamplingOptions drawing, Tensor? given,
        CancellationToken cancellation)
    {
        Device device = model.parameters().First().device;
        using IDisposable threads = model.Threads.Begin(device, noise.shape[0]); // one sampling at a time
        using var mode = new EvaluationMode(model);
        using var random = new Generator(seed, device);
        model.Watch = Watch is null ? null : seen =>
            Watch(new(first, seen.Done, () => Separate(Bytes(seen.Images()))));
        Tensor images =
            model.Sample(noise.to(device), labels?.to(device), drawing, random, given?.to(device), cancellation);
        byte[] drawn = Bytes(images);
        Watch?.Invoke(new(first, 1, () => Separate(drawn)));
        return drawn;
    }

    private byte[][] Separate(byte[] planes) =>
        [.. Enumerable.Range(0, planes.Length / Schema.Size)
        .Select(i => Schema.Interleave(planes.AsSpan(i * Schema.Size, Schema.Size)))];
}
