using System.Globalization;
using Atelier.Data.Audio;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Evaluation.Audio;
using Atelier.Runs;

namespace Atelier.Tasks.Audio;

/// <summary>
/// Evaluates vocoders: how much held-out sounds differ from what is computed from their spectrograms, compared with the
/// algorithm of Griffin and Lim.
/// </summary>
internal static class VocoderEvaluator
{
    private const string Unit = "sounds", MelDistance = "melDistance";

    /// <summary>Evaluates a vocoder.</summary>
    /// <exception cref="AtelierException">There are no sounds to evaluate on.</exception>
    public static EvaluationReport Evaluate(IVocoder vocoder, AudioData data, EvaluationContext context,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        AudioPart part = data.Test.Count > 0 && !context.OnValidation ? data.Test : data.Validation;
        if (part.Count == 0)
            throw new AtelierException("no sounds are held out for evaluation", data.Facts.Source,
                "give data.split a test part");
        SpectrogramFormat format = vocoder.Format with { Samples = part.Schema.ClipFrames };
        var drawing = new SpectrogramImages(format);
        float[][] sounds = [.. Enumerable.Range(0, part.Count).Select(clip =>
        {
            var samples = new float[part.Schema.Size];
            part.Read(clip, samples);
            return samples;
        })];
        progress?.Report(FormattableString.Invariant($"the samples of {Quantity.Of(part.Count, "sound")}"));
        byte[][] images = [.. sounds.AsParallel().AsOrdered().Select(sound => drawing.ToImage(sound))];
        JudgedModel own = Judge([.. images.Select(image => vocoder.ToSamples(image, format, cancellation))]),
            griffinLim = Judge([.. images.AsParallel().AsOrdered().WithCancellation(cancellation)
                .Select((image, i) => drawing.ToSamples(image, context.Seed + i, cancellation))]);
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part == data.Test ? Part.Test : Part.Validation, context.Other,
            Unit, () => 0, mostRepeated: 1);
        var judgement = new Judgement(context, on,
            new(MelDistance, "dB between mel spectrograms", MoreIsBetter: false, on.Lead), own);
        judgement.Compare("griffinLim", griffinLim);
        return judgement.Report(part.ContentHash, [],
        [
            string.Create(CultureInfo.InvariantCulture, $"{part.Count} held-out sounds, computed from their "
                + $"spectrograms of {format.Mel.MelCount} bands; 95 % intervals by bootstrap over sounds. The baseline "
                + $"griffinLim is the algorithm of Griffin and Lim on the same spectrograms."),
            .. on.Notes,
        ]);

        JudgedModel Judge(IReadOnlyList<float[]> heard)
        {
            Distortion[] all = [.. sounds.Zip(heard).AsParallel().AsOrdered().WithCancellation(cancellation)
                .Select(pair => Distortion.Between(new Sound([pair.First], format.Mel.SampleRate),
                    new Sound([pair.Second], format.Mel.SampleRate)))];
            MeanScore[] Scores(Func<Distortion, double> figure) =>
                [.. all.Select(one => new MeanScore(figure(one), 1))];
            Metric Mean(Func<Distortion, double> figure) =>
                MeanScore.Mean(Scores(figure), context.Options, context.Seed, "dB");
            return new(Scores(one => one.MelDistance), new Dictionary<string, Metric>
            {
                [MelDistance] = Mean(one => one.MelDistance),
                ["logSpectralDistance"] = Mean(one => one.LogSpectralDistance),
            });
        }
    }
}
