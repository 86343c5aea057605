using System.Globalization;
using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Evaluation.Audio;
using Atelier.Generation;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>
/// Generates sounds with a model of codes and its codec: new ones, and the continuation of given ones. The n-th sound
/// of a seed depends on the seed and n alone. Safe for concurrent use: requests take turns batch by batch.
/// </summary>
/// <param name="model">The model. It is disposed with the generator.</param>
/// <param name="codec">The codec of its codes. It is disposed with the generator.</param>
/// <param name="identity">The identity of the model, which generated files record; null for none.</param>
public sealed class SoundGenerator(SoundModel model, IAudioCodec codec, BundleIdentity? identity = null)
    : ITrainedModel, IGenerator, IIdentifiedModel
{
    private const int MostTogether = 32;
    private readonly SemaphoreSlim _turns = new(1, 1); // held while a batch is generated, never while a caller reads

    /// <summary>The sample rate, channels, length and classes of its clips.</summary>
    public AudioSchema Schema => model.Schema;

    /// <summary>Whether it can be asked for a class.</summary>
    public bool IsConditional => model.IsConditional;

    /// <summary>The model.</summary>
    public SoundModel Model => model;

    /// <summary>The codec.</summary>
    public IAudioCodec Codec => codec;

    /// <inheritdoc/>
    public BundleIdentity? Identity => identity;

    /// <summary>The decoding options of a request that sets none.</summary>
    public DecodingOptions Defaults { get; init; } = new();

    /// <summary>The scale of classifier-free guidance of a request that sets none.</summary>
    public double Guidance { get; init; } = 1;

    /// <inheritdoc/>
    /// <exception cref="AtelierException">The class does not exist, an option is not supported, or the given sound is
    /// too long or too short.</exception>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(classes: true, drawing: true, only: true, input: true, decoding: true, seconds: true);
        SoundSampling usual = Resolve(request);
        int? label = request.Class is { } name ? Label(name) : null;
        Sound? given = null;
        if (request.Input is { } input)
        {
            (given, int[][] codes) = await Task.Run(() =>
            {
                Sound sound = Read(input, usual.Frames, cancellation);
                return (sound, codec.Encode(sound.Samples, model.Codes.Codebooks, cancellation));
            }, cancellation).ConfigureAwait(false);
            usual = usual with { Given = codes };
        }
        int length = Length(request.Seconds);
        for (int first = 0; first < request.Count; first += MostTogether)
        {
            int count = Math.Min(MostTogether, request.Count - first), start = first;
            // A sound is generated in the batch that it was first generated in: rounding depends on the batch.
            if (request.Only is { } only && (only < first || only >= first + count))
                continue;
            // the class of a given sound is unknown
            int[]? labels = IsConditional && (given is null || label is not null)
                ? Labels(request.Seed, first, count, label) : null;
            IReadOnlyList<float[]> sounds = await InTurnAsync(() => Sample(request.Seed, start, count, labels, usual,
                length, cancellation), cancellation).ConfigureAwait(false);
            for (int i = 0; i < count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (request.Only is { } wanted && wanted != first + i)
                    continue;
                yield return new AudioSample(Schema.SampleRate, 1, sounds[i])
                {
                    Class = labels is null ? null : Schema.Classes[labels[i]],
                    Continuation = given is null ? null
                        : MusicComparison.Of(given.Samples[0], sounds[i].AsSpan(given.Frames), Schema.SampleRate),
                };
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        model.Dispose();
        (codec as IDisposable)?.Dispose();
    }

    /// <summary>Generates a batch of sounds of the length of a clip with the default options.</summary>
    /// <param name="seed">The seed of all sounds.</param>
    /// <param name="first">The number of the first sound.</param>
    /// <param name="labels">The class of each sound; ignored by a model without classes.</param>
    /// <param name="cancellation">Cancels before the next step.</param>
    /// <returns>The samples of each sound.</returns>
    internal IReadOnlyList<float[]> Sample(long seed, int first, IReadOnlyList<int> labels,
        CancellationToken cancellation) =>
        [.. labels.Chunk(MostTogether).SelectMany((some, i) => Sample(seed, first + (i * MostTogether),
            some.Length, IsConditional ? some : null, Resolve(new()), Schema.ClipFrames, cancellation))];

    /// <summary>Codes and decodes a clip.</summary>
    internal float[] Reconstruct(float[] samples) =>
        codec.Decode(codec.Encode([samples], model.Codes.Codebooks), samples.Length)[0];

    /// <summary>Computes how unlikely each clip's codes are, in nats.</summary>
    internal double[] NegativeLogLikelihood(CodePart part, CancellationToken cancellation)
    {
        var batches = new CodeBatches(part, MostTogether, seed: 0, shuffled: false);
        Device device = model.parameters().First().device;
        using var mode = new EvaluationMode(model);
        var all = new List<double>();
        for (long number = 0; number < batches.BatchesPerEpoch; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            CodeBatch batch = batches.Get(number).Move(tensor => tensor.to(device));
            all.AddRange(model.NegativeLogLikelihood(batch).sum([1L, 2L]).cpu().data<float>()
                .Select(nats => (double)nats));
        }
        return [.. all];
    }

    /// <summary>Returns a request with the options that it leaves to the defaults.</summary>
    /// <exception cref="AtelierException">An option is not supported or out of its range.</exception>
    internal GenerationRequest Complete(GenerationRequest request)
    {
        SoundSampling usual = Resolve(request);
        return request with
        {
            Decoding = usual.Decoding,
            Drawing = IsConditional ? new SamplingOptions { Guidance = usual.Guidance } : null,
        };
    }

    /// <summary>Returns the options of a request with the defaults filled in.</summary>
    /// <exception cref="AtelierException">An option is not supported or out of its range.</exception>
    internal SoundSampling Resolve(GenerationRequest request)
    {
        DecodingOptions decoding = CodeDecoding.Check(request.Decoding ?? Defaults);
        double guidance = CodeDecoding.Guidance(request.Drawing, IsConditional, Guidance);
        int frames = (int)(((long)Length(request.Seconds) + codec.FrameLength - 1) / codec.FrameLength);
        return new(frames, [], decoding) { Guidance = guidance };
    }

    private int Length(double? seconds)
    {
        const double most = 3600;
        if (seconds is not { } asked)
            return Schema.ClipFrames;
        if (!(asked > 0 && asked <= most))
            throw new AtelierException(FormattableString.Invariant($"a sound of {asked} s"), Mention.Field("seconds"),
                $"write up to {most}");
        return Math.Max(1, (int)Math.Round(asked * Schema.SampleRate));
    }

    /// <summary>Reads the beginning of a sound; frames of codes that are not full are left out.</summary>
    private Sound Read(InputData input, int frames, CancellationToken cancellation)
    {
        Sound sound = AudioFiles.Read(input, Schema.SampleRate, 1, cancellation);
        int whole = sound.Frames / codec.FrameLength * codec.FrameLength;
        if (whole == 0)
            throw new AtelierException(FormattableString.Invariant(
                $"lasts {sound.Seconds:0.###} s, which is less than a frame of codes"), input.Name,
                "give a longer sound");
        if (whole / codec.FrameLength >= frames)
            throw new AtelierException(string.Create(CultureInfo.InvariantCulture, $"lasts {sound.Seconds:0.###} s, so "
                + $"that nothing of {(double)frames * codec.FrameLength / Schema.SampleRate:0.###} s is left to "
                + $"generate"), input.Name,
                $"ask for a longer sound by {Mention.Field("seconds")}");
        return sound with { Samples = [sound.Samples[0][..whole]] };
    }

    private IReadOnlyList<float[]> Sample(long seed, int first, int count, IReadOnlyList<int>? labels,
        SoundSampling usual, int length, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        int[][][] codes = model.Sample(usual with
        {
            Seeds = [.. Enumerable.Range(first, count).Select(n => SplitMix64.At((ulong)seed, (ulong)n))],
            Labels = labels,
        }, cancellation);
        return [.. codes.Select(sound => codec.Decode(sound, length, cancellation)[0])];
    }

    private int[] Labels(long seed, int first, int count, int? label) => [.. Enumerable.Range(first, count).Select(n =>
        label ?? (int)(SplitMix64.At((ulong)seed ^ 0x5EED, (ulong)n) % (ulong)Math.Max(1, Schema.Classes.Count)))];

    private int Label(string name)
    {
        int label = Schema.Label(name);
        return IsConditional ? label
            : throw new AtelierException($"the model was not trained with classes, so '{name}' cannot be asked for",
                Mention.Field("class"), "train with model.conditional true");
    }

    /// <summary>Generates on a thread of the pool, while no other request does.</summary>
    private async Task<IReadOnlyList<float[]>> InTurnAsync(Func<IReadOnlyList<float[]>> draw,
        CancellationToken cancellation)
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
