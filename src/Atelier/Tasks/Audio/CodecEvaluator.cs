using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Evaluation.Audio;
using Atelier.Evaluation.Images;
using Atelier.Recipes;
using Atelier.Runs;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>
/// Evaluates codecs: how much held-out sounds differ from their originals after coding, compared with Opus at its
/// lowest rate, and how often their class is still recognised.
/// </summary>
internal static class CodecEvaluator
{
    private const string KeptClassifier = "judge/codec-classifier.safetensors", Opus = "opus", Unit = "sounds";

    /// <summary>Evaluates a codec.</summary>
    /// <exception cref="AtelierException">There are no sounds to evaluate on.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(IAudioCodec codec, AudioData data,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        AudioPart part = data.Test.Count > 0 ? data.Test : data.Validation;
        if (part.Count == 0)
            throw new AtelierException("no sounds are held out for evaluation", data.Facts.Source,
                "give data.split a test part");
        ImageData? images = data.Schema is { Classes.Count: > 1, Channels: 1 } && data.Train.Count > 0
            ? data.AsImages(SpectrogramData.FormatOf(data, new SpectrogramSection())) : null;
        string? kept = context.Folder is null ? null : Path.Combine(context.Folder, KeptClassifier);
        using FeatureNetwork? network = images is null ? null
            : await LearnedFeatures.OpenAsync(images, kept, context.Seed, CPU, progress, cancellation)
                .ConfigureAwait(false);
        return await Task.Run(() => Evaluate(codec, data, part, images, network, context, progress, cancellation),
            cancellation).ConfigureAwait(false);
    }

    private static EvaluationReport Evaluate(IAudioCodec codec, AudioData data, AudioPart part, ImageData? images,
        FeatureNetwork? network, EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        Sound[] sounds = [.. Enumerable.Range(0, part.Count).Select(clip => Clip(part, clip))];
        progress?.Report(FormattableString.Invariant($"coding {Quantity.Of(part.Count, "sound")}"));
        Sound[] coded = [.. sounds.Select(sound => new Sound(codec.Decode(codec.Encode(sound.Samples, null,
            cancellation), sound.Frames, cancellation), sound.SampleRate))];
        progress?.Report("coding them with Opus");
        OpusCoding[] opus = [.. sounds.AsParallel().AsOrdered().WithCancellation(cancellation)
            .Select(sound => OpusCoding.Encode(sound, OpusCoding.LeastRate * sound.Channels, cancellation))];
        double seconds = sounds.Sum(sound => sound.Seconds), rate = codec.BitsPerSecond(codec.CodebookCount);
        string recognised = network is null ? "" : $" classAccuracy: {network.Description}.";
        Metric[] rates = [Exactly(rate / 1000), Exactly(opus.Sum(one => one.PayloadBits) / seconds / 1000)];
        JudgedModel own = Judge(coded, rates[0]);
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part == data.Test ? Part.Test : Part.Validation, context.Other,
            Unit, () => 0, mostRepeated: 1);
        var judgement = new Judgement(context, on,
            new("melDistance", "dB between mel spectrograms", MoreIsBetter: false, on.Lead), own);
        judgement.Compare(Opus, Judge([.. opus.AsParallel().AsOrdered().Select(one => one.Decode())], rates[1]));
        if (network is not null)
            judgement.Add("original", new Dictionary<string, Metric> { ["classAccuracy"] = Recognised(sounds) });
        return judgement.Report(part.ContentHash, [],
        [
            string.Create(CultureInfo.InvariantCulture, $"{part.Count} held-out sounds of together {seconds:0} s; 95 % "
                + $"intervals by bootstrap over sounds. The baseline {Opus} is Opus at 6 kbit/s a channel, its lowest "
                + $"rate. Rates count the bits of the coded samples, without the headers of files.{recognised}"),
            .. on.Notes,
        ]);

        Metric Exactly(double value) => new(value, value, value, "kbit/s");
        JudgedModel Judge(IReadOnlyList<Sound> heard, Metric ofRate)
        {
            Distortion[] all = [.. sounds.Zip(heard).AsParallel().AsOrdered().WithCancellation(cancellation)
                .Select(pair => Distortion.Between(pair.First, pair.Second))];
            MeanScore[] Scores(Func<Distortion, double> figure) =>
                [.. all.Select(one => new MeanScore(figure(one), 1))];
            Metric Mean(Func<Distortion, double> figure) =>
                MeanScore.Mean(Scores(figure), context.Options, context.Seed, "dB");
            var figures = new Dictionary<string, Metric>
            {
                ["rate"] = ofRate,
                ["melDistance"] = Mean(one => one.MelDistance),
                ["logSpectralDistance"] = Mean(one => one.LogSpectralDistance),
                ["siSdr"] = Mean(one => one.SiSdr),
            };
            if (network is not null)
                figures["classAccuracy"] = Recognised(heard);
            return new(Scores(one => one.MelDistance), figures);
        }
        Metric Recognised(IReadOnlyList<Sound> heard)
        {
            var drawing = new SpectrogramImages(images!.Schema.Spectrogram!);
            byte[][] drawn = [.. heard.AsParallel().AsOrdered().Select(sound =>
            {
                float[] clip = [.. sound.Samples[0]];
                Array.Resize(ref clip, drawing.Format.Samples); // clips are padded with silence
                return drawing.ToImage(clip);
            })];
            ImageSet set = ImageSet.Of(images.Schema, [.. drawn.SelectMany(image => image)], part.Labels);
            bool[] right = network!.Extract(set, Unit, progress, cancellation).AreOf(part.Labels);
            return MeanScore.Mean([.. right.Select(one => new MeanScore(one ? 1 : 0, 1))], context.Options,
                context.Seed, "share of sounds");
        }
    }

    /// <summary>Returns a clip without the silence that fills it.</summary>
    private static Sound Clip(AudioPart part, int clip)
    {
        var samples = new float[part.Schema.Size];
        part.Read(clip, samples);
        int frames = part.Frames(clip);
        return new([.. samples.Chunk(part.Schema.ClipFrames).Select(channel => channel[..frames])],
            part.Schema.SampleRate);
    }
}
