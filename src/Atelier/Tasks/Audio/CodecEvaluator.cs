using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Evaluation.Audio;
using Atelier.Evaluation.Images;
using Atelier.Evaluation.Plots;
using Atelier.Recipes;
using Atelier.Runs;
using ScottPlot;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>
/// Evaluates codecs: how much held-out sounds differ from their originals after coding, compared with Opus at its
/// lowest rate, and how often their class is still recognised.
/// </summary>
internal static class CodecEvaluator
{
    private const string KeptClassifier = "judge/codec-classifier.safetensors", Opus = "opus", Unit = "sounds",
        Rate = "rate", MelDistance = "melDistance", ClassAccuracy = "classAccuracy";
    private const int MostCounts = 6; // of codebooks that the rates are measured with
    private static readonly int[] OpusRates = [OpusCoding.LeastRate, 8000, 12_000, 16_000]; // bits per second

    /// <summary>Evaluates a codec.</summary>
    /// <exception cref="AtelierException">There are no sounds to evaluate on.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(IAudioCodec codec, AudioData data,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        AudioPart part = data.Test.Count > 0 && !context.OnValidation ? data.Test : data.Validation;
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
        int[][][] codes = [.. sounds.Select(sound => codec.Encode(sound.Samples, null, cancellation))];
        JudgedModel[] byCodebooks = [.. CodebookCounts(codec.CodebookCount).Select(count => Judge(
            [.. sounds.Zip(codes, (sound, own) => new Sound(codec.Decode(own[..count], sound.Frames, cancellation),
                sound.SampleRate))], codec.BitsPerSecond(count)))];
        progress?.Report("coding them with Opus");
        JudgedModel[] byOpusRate = [.. OpusRates.Select(rate =>
        {
            OpusCoding[] codings = [.. sounds.AsParallel().AsOrdered().WithCancellation(cancellation)
                .Select(sound => OpusCoding.Encode(sound, rate * sound.Channels, cancellation))];
            return Judge([.. codings.AsParallel().AsOrdered().Select(one => one.Decode())],
                codings.Sum(one => one.PayloadBits) / sounds.Sum(sound => sound.Seconds));
        })];
        string recognised = network is null ? "" : $" classAccuracy: {network.Description}.";
        JudgedModel own = byCodebooks[^1];
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part == data.Test ? Part.Test : Part.Validation, context.Other,
            Unit, () => 0, mostRepeated: 1);
        var judgement = new Judgement(context, on,
            new(MelDistance, "dB between mel spectrograms", MoreIsBetter: false, on.Lead), own);
        judgement.Compare(Opus, byOpusRate[0]);
        if (network is not null)
            judgement.Add("original", new Dictionary<string, Metric> { [ClassAccuracy] = Recognised(sounds) });
        return judgement.Report(part.ContentHash, [RateSection(byCodebooks, byOpusRate, context.Picture)],
        [
            string.Create(CultureInfo.InvariantCulture,
                $"{part.Count} held-out sounds of together {sounds.Sum(sound => sound.Seconds):0} s; 95 % intervals by "
                + $"bootstrap over sounds. The baseline {Opus} is Opus at 6 kbit/s a channel, its lowest rate. Rates "
                + $"count the bits of the coded samples, without the headers of files.{recognised}"),
            .. on.Notes,
        ]);

        JudgedModel Judge(IReadOnlyList<Sound> heard, double bitsPerSecond)
        {
            double rate = bitsPerSecond / 1000;
            Distortion[] all = [.. sounds.Zip(heard).AsParallel().AsOrdered().WithCancellation(cancellation)
                .Select(pair => Distortion.Between(pair.First, pair.Second))];
            MeanScore[] Scores(Func<Distortion, double> figure) =>
                [.. all.Select(one => new MeanScore(figure(one), 1))];
            Metric Mean(Func<Distortion, double> figure) =>
                MeanScore.Mean(Scores(figure), context.Options, context.Seed, "dB");
            var figures = new Dictionary<string, Metric>
            {
                [Rate] = new(rate, rate, rate, "kbit/s"),
                [MelDistance] = Mean(one => one.MelDistance),
                ["logSpectralDistance"] = Mean(one => one.LogSpectralDistance),
                ["siSdr"] = Mean(one => one.SiSdr),
            };
            if (network is not null)
                figures[ClassAccuracy] = Recognised(heard);
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

    /// <summary>Numbers of codebooks, evenly spread, up to all of them.</summary>
    private static int[] CodebookCounts(int all) =>
        [.. Enumerable.Range(1, Math.Min(all, MostCounts)).Select(i => all * i / Math.Min(all, MostCounts))];

    /// <summary>Compares rates and distortions of the codec and of Opus, with a plot next to the report's.</summary>
    private static ReportSection RateSection(JudgedModel[] codec, JudgedModel[] opus, string? picture)
    {
        var figures = new Dictionary<string, Metric>();
        foreach ((string name, JudgedModel[] models) in new[] { ("codec", codec), (Opus, opus) })
        {
            foreach (IReadOnlyDictionary<string, Metric> one in models.Select(model => model.Figures))
            {
                string at = string.Create(CultureInfo.InvariantCulture, $"{name} at {one[Rate].Value:0.0#} kbit/s");
                foreach (string metric in new[] { MelDistance, ClassAccuracy }.Where(one.ContainsKey))
                    figures[$"{metric}, {at}"] = one[metric];
            }
        }
        ReportImage[] images = [];
        if (picture is not null)
        {
            string file = $"{Path.GetFileNameWithoutExtension(picture)}-rates.png";
            CurvePlot.Save(Path.Combine(Path.GetDirectoryName(picture)!, file),
                [("codec", Points(codec)), (Opus, Points(opus))], "kbit/s",
                rate => rate.ToString("0.#", CultureInfo.InvariantCulture),
                new(MelDistance, "dB", MoreIsBetter: false, ""), Alignment.UpperRight);
            images = [new(file, "The mel distance in dB by the rate, with 95 % intervals.")];
        }
        return new("Rate and distortion") { Figures = figures, Images = images };

        static IReadOnlyList<(double, Metric)> Points(JudgedModel[] models) =>
            [.. models.Select(model => (model.Figures[Rate].Value, model.Figures[MelDistance]))];
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
