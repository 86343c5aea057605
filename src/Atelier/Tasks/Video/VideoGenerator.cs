using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tasks.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Video;

/// <summary>
/// Generates videos with a model: new ones, and the missing frames of given ones. The n-th video of a seed depends on
/// the seed and n alone, except for the noise that ancestral sampling adds. Safe for concurrent use: requests take
/// turns batch by batch.
/// </summary>
/// <remarks>
/// A video that is longer than the clips of training is continued clip by clip: each begins with the last frames of the
/// one before, half a clip, as Ho et al. 2022 (section 3.1) extend videos in time.
/// </remarks>
/// <param name="model">The model. It is disposed with the generator.</param>
public sealed class VideoGenerator(VideoModel model) : ITrainedModel, IGenerator
{
    private const int MostTogether = 32, MostValues = 1 << 20; // clips at once, and their values
    private const double MostSeconds = 600;
    private readonly SemaphoreSlim _turns = new(1, 1); // held while a batch is generated, never while a caller reads

    /// <summary>Number of clips that are best generated at once.</summary>
    internal int BatchSize => Math.Clamp(MostValues / Schema.Size, 1, MostTogether);

    /// <summary>The size, channels, length and classes of its clips.</summary>
    public VideoSchema Schema => model.Schema;

    /// <summary>Whether it can be asked for a class.</summary>
    public bool IsConditional => model.IsConditional;

    /// <summary>The model.</summary>
    public VideoModel Model => model;

    /// <summary>The sampling options of a request that sets none.</summary>
    public SamplingDefaults Defaults { get; init; } = new();

    /// <summary>The decoding options of a request that sets none, for models that choose codes.</summary>
    public DecodingOptions Decoding { get; init; } = new();

    /// <summary>Receives the number of clips that are finished; null for none.</summary>
    public Action<int>? Watch { get; set; }

    /// <summary>Returns the options of a request with the defaults filled in.</summary>
    /// <param name="drawing">The sampling options; null takes the defaults alone.</param>
    /// <param name="decoding">The decoding options; null takes the defaults alone.</param>
    /// <exception cref="AtelierException">An option has no meaning for the model, or an impossible value.</exception>
    public VideoSampling Resolve(SamplingOptions? drawing = null, DecodingOptions? decoding = null) =>
        new(model.Check(drawing ?? new SamplingOptions(), Defaults), CodeDecoding.Check(decoding ?? Decoding));

    /// <inheritdoc/>
    /// <exception cref="AtelierException">The class does not exist, an option is not supported, or the given frames do
    /// not fit.</exception>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(classes: true, drawing: true, only: true, input: true, frames: true, seconds: true,
            decoding: model.ChoosesCodes);
        VideoSampling sampling = Resolve(request.Drawing, request.Decoding);
        int? label = request.Class is { } name ? Label(name) : null;
        GivenClip? given = await Task.Run(() => GivenClip.Read(request, Schema, cancellation), cancellation)
            .ConfigureAwait(false);
        if (!model.GeneratesFreely && given is null)
            throw new AtelierException("the model continues videos, and none is given", Mention.Field("input"),
                "name a video file, a GIF or an image");
        int frames = FrameCount(request.Seconds);
        for (int first = 0; first < request.Count; first += BatchSize)
        {
            int count = Math.Min(BatchSize, request.Count - first), start = first;
            if (request.Only is { } only && (only < first || only >= first + count))
                continue;
            byte[][] videos = await InTurnAsync(() =>
                Sample(request.Seed, start, count, label, given, frames, sampling, cancellation), cancellation)
                .ConfigureAwait(false);
            Watch?.Invoke(first + count);
            for (int i = 0; i < count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (request.Only is { } wanted && wanted != first + i)
                    continue;
                yield return new VideoSample(Schema.Width, Schema.Height, Schema.Channels, Schema.Fps,
                    Frames(Schema, videos[i]))
                {
                    Class = label is { } own ? Schema.Classes[own] : null,
                };
            }
        }
    }

    /// <summary>Generates a batch of clips, which begin with or contain the frames of given ones.</summary>
    /// <param name="seed">The seed of all clips.</param>
    /// <param name="first">The number of the first clip.</param>
    /// <param name="given">The given frames of each clip, on the CPU; null for none.</param>
    /// <param name="labels">The class of each clip, [batch], int64; ignored by a model without classes.</param>
    /// <param name="count">The number of clips.</param>
    /// <param name="sampling">How to generate, as <see cref="Resolve"/> returns it.</param>
    /// <param name="cancellation">Cancels before the next sampling step.</param>
    /// <returns>[count, frames, channels, height, width], 0 to 255.</returns>
    internal byte[] Sample(long seed, int first, int count, GivenFrames? given, Tensor? labels,
        VideoSampling sampling, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        Device device = model.parameters().First().device;
        using IDisposable threads = model.Threads.Begin(device, count);
        using var mode = new EvaluationMode(model);
        using var random = new Generator(SplitMix64.At((ulong)seed, (ulong)first), device);
        Tensor noise = SeededNoise.Of(seed, first, count, Schema.Size).to(device);
        GivenFrames? there = given is null ? null : given with { Frames = given.Frames.to(device) };
        return ImageGenerator.Bytes(model.Sample(noise, there, model.IsConditional ? labels?.to(device) : null,
            sampling, random, cancellation));
    }

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();

    /// <summary>Returns the frames of a clip, each with interleaved channels.</summary>
    internal static IReadOnlyList<ReadOnlyMemory<byte>> Frames(VideoSchema schema, ReadOnlySpan<byte> clip)
    {
        ImageSchema image = schema.Image;
        var frames = new ReadOnlyMemory<byte>[clip.Length / schema.FrameSize];
        for (int frame = 0; frame < frames.Length; frame++)
            frames[frame] = image.Interleave(clip.Slice(frame * schema.FrameSize, schema.FrameSize));
        return frames;
    }

    private int FrameCount(double? seconds)
    {
        if (seconds is not { } asked)
            return Schema.Frames;
        if (!(asked > 0 && asked <= MostSeconds))
            throw new AtelierException(FormattableString.Invariant($"a video of {asked} s"), Mention.Field("seconds"),
                $"write up to {MostSeconds}");
        return Math.Max(1, (int)Math.Round(asked * Schema.Fps));
    }

    /// <summary>Generates a batch of videos, clip by clip.</summary>
    /// <returns>The frames of each video, [frames, channels, height, width], 0 to 255.</returns>
    private byte[][] Sample(long seed, int first, int count, int? label, GivenClip? given, int frames,
        VideoSampling sampling, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        Tensor labels = tensor(Enumerable.Range(first, count).Select(n => label
            ?? (long)(SplitMix64.At((ulong)seed ^ 0x5EED, (ulong)n) % (ulong)Math.Max(1, Schema.Classes.Count)))
            .ToArray());
        byte[] clips = Sample(seed, first, count, given?.Repeated(count), labels, sampling, cancellation);
        var videos = new byte[count][];
        for (int i = 0; i < count; i++)
        {
            videos[i] = new byte[frames * Schema.FrameSize];
            clips.AsSpan(i * Schema.Size, Math.Min(Schema.Size, videos[i].Length)).CopyTo(videos[i]);
        }
        int overlap = Math.Max(1, Schema.Frames / 2);
        for (int clip = 1, done = Schema.Frames; done < frames; clip++, done += Schema.Frames - overlap)
        {
            clips = Sample((long)SplitMix64.At((ulong)seed, (ulong)clip), first, count, Last(videos, done, overlap),
                labels, sampling, cancellation);
            for (int i = 0; i < count; i++)
            {
                Span<byte> rest = videos[i].AsSpan(done * Schema.FrameSize);
                ReadOnlySpan<byte> next = clips.AsSpan(i * Schema.Size, Schema.Size)[(overlap * Schema.FrameSize)..];
                next[..Math.Min(next.Length, rest.Length)].CopyTo(rest);
            }
        }
        return videos;
    }

    /// <summary>The last frames of each video so far, as the first ones of its next clip.</summary>
    private GivenFrames Last(byte[][] videos, int done, int overlap)
    {
        var clips = new byte[videos.Length * Schema.Size];
        foreach ((int i, byte[] video) in videos.Index())
            video.AsSpan((done - overlap) * Schema.FrameSize, overlap * Schema.FrameSize)
                .CopyTo(clips.AsSpan(i * Schema.Size));
        var values = new float[clips.Length];
        ImageBatches.Scale(clips, values);
        return GivenFrames.First(VideoBatches.Shaped(values, Schema), overlap);
    }

    private int Label(string name)
    {
        int label = Schema.Label(name);
        return model.IsConditional ? label
            : throw new AtelierException($"the model was not trained with classes, so '{name}' cannot be asked for",
                Mention.Field("class"), "train with model.conditional true");
    }

    /// <summary>Generates on a thread of the pool, while no other request does.</summary>
    private async Task<byte[][]> InTurnAsync(Func<byte[][]> draw, CancellationToken cancellation)
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
}
