using Atelier.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// Codes sounds with a finished model. Long sounds are coded in stretches that overlap by as much as the networks see,
/// so that their joints are not heard.
/// </summary>
/// <param name="model">The model, in evaluation mode. It is disposed with the codec.</param>
/// <param name="identity">The SHA-256 of its weights; null during training.</param>
internal sealed class LearnedCodec(AudioCodecModel model, string? identity = null) : ITrainedModel, IAudioCodec
{
    private const int StretchSeconds = 10;
    private readonly Lock _gate = new();

    /// <inheritdoc/>
    public int SampleRate => model.Schema.SampleRate;

    /// <inheritdoc/>
    public int Channels => model.Schema.Channels;

    /// <inheritdoc/>
    public int FrameLength => model.Config.FrameLength;

    /// <inheritdoc/>
    public int CodebookCount => model.Config.CodebookCount;

    /// <inheritdoc/>
    public int CodebookSize => model.Config.CodebookSize;

    /// <inheritdoc/>
    public string Identity => identity ?? "";

    /// <summary>The model.</summary>
    internal AudioCodecModel Model => model;

    /// <summary>The frames of a stretch.</summary>
    internal int StretchFrames { get; init; } = Math.Max(1, StretchSeconds * model.Schema.SampleRate
        / model.Config.FrameLength);

    /// <summary>
    /// The number of frames on each side that a frame depends on, in either network: each level sees less than its
    /// stride and its residual units, and the convolutions next to the codes see one frame.
    /// </summary>
    private int ContextFrames
    {
        get
        {
            int samples = 1, step = 1, units = ((int)Math.Pow(3, model.Config.Blocks) - 1) / 2; // 1 + 3 + 9 + …
            foreach (int stride in model.Config.Strides)
            {
                samples += step * stride;
                step *= stride;
                samples += step * units;
            }
            return 2 + (samples / FrameLength) + 1;
        }
    }

    /// <inheritdoc/>
    public int[][] Encode(IReadOnlyList<float[]> samples, int? codebooks = null,
        CancellationToken cancellation = default)
    {
        if (samples.Count != Channels)
            throw new ArgumentException($"{samples.Count} channels instead of {Channels}", nameof(samples));
        int count = codebooks ?? CodebookCount, length = samples[0].Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(codebooks));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, CodebookCount, nameof(codebooks));
        int frames = (int)(((long)length + FrameLength - 1) / FrameLength);
        int[][] codes = [.. Enumerable.Range(0, count).Select(_ => new int[frames])];
        foreach ((int first, int end, int from, int to) in Stretches(frames))
        {
            cancellation.ThrowIfCancellationRequested();
            int start = from * FrameLength, stop = Math.Min(to * FrameLength, length);
            var clip = new float[Channels * (stop - start)];
            for (int channel = 0; channel < Channels; channel++)
                samples[channel].AsSpan(start, stop - start).CopyTo(clip.AsSpan(channel * (stop - start)));
            using var scope = NewDisposeScope();
            long[] found = Run(device => model.Encode(tensor(clip, 1, Channels, stop - start).to(device), count))
                .data<long>().ToArray(); // [count, 1, to − from]
            for (int book = 0; book < count; book++)
            {
                for (int frame = first; frame < end; frame++)
                    codes[book][frame] = (int)found[(book * (to - from)) + frame - from];
            }
        }
        return codes;
    }

    /// <inheritdoc/>
    public float[][] Decode(IReadOnlyList<int[]> codes, int length, CancellationToken cancellation = default)
    {
        int frames = codes.Count == 0 ? 0 : codes[0].Length;
        if (codes.Count == 0 || codes.Count > CodebookCount || codes.Any(book => book.Length != frames
            || book.Any(code => code < 0 || code >= CodebookSize)))
            throw new AtelierException("has codes that the model does not know",
                hint: "decode it with the model that coded it");
        if (length < 0 || length > (long)frames * FrameLength)
            throw new AtelierException($"has too few codes for {length} samples", hint: "copy the file again");
        float[][] samples = [.. Enumerable.Range(0, Channels).Select(_ => new float[length])];
        foreach ((int first, int end, int from, int to) in Stretches(frames))
        {
            cancellation.ThrowIfCancellationRequested();
            long[] clip = [.. codes.SelectMany(book => book.Skip(from).Take(to - from)).Select(code => (long)code)];
            using var scope = NewDisposeScope();
            float[] found = Run(device => model.Decode(tensor(clip, codes.Count, 1, to - from).to(device)))
                .data<float>().ToArray(); // [1, channels, time]
            int time = (to - from) * FrameLength, start = Math.Min(first * FrameLength, length),
                stop = Math.Min(end * FrameLength, length);
            for (int channel = 0; channel < Channels; channel++)
                found.AsSpan((channel * time) + ((first - from) * FrameLength), stop - start)
                    .CopyTo(samples[channel].AsSpan(start));
        }
        return samples;
    }

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();

    /// <summary>The frames of each stretch, and those that are computed with it.</summary>
    private IEnumerable<(int First, int End, int From, int To)> Stretches(int frames)
    {
        int context = ContextFrames;
        for (int first = 0; first < frames; first += StretchFrames)
        {
            int end = Math.Min(frames, first + StretchFrames);
            yield return (first, end, Math.Max(0, first - context), Math.Min(frames, end + context));
        }
    }

    private Tensor Run(Func<Device, Tensor> compute)
    {
        lock (_gate)
            return compute(model.parameters().First().device).cpu().contiguous();
    }
}
