using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Formats;
using Atelier.Runs;
using Atelier.Tasks.Images;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>Evaluates models that generate sounds. Generated sounds are compared by spectrograms of their
/// samples.</summary>
internal static class AudioEvaluator
{
    private const string KeptClassifier = "judge/classifier.safetensors", KeptFeatures = "data/features",
        Unit = "sounds", Accuracy = "classAccuracy";

    private const int MostHeard = 32; // sounds in the file of samples

    /// <summary>Evaluates a model.</summary>
    /// <exception cref="AtelierException">There are no sounds to evaluate on.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(IJudgedSounds generator, AudioData data,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        ImageData images = data.AsImages(generator.Format);
        ImagePart part = images.Test.Count > 0 && !context.OnValidation ? images.Test : images.Validation;
        if (part.Count == 0)
            throw new AtelierException("no sounds are held out for evaluation", data.Facts.Source,
                "give data.split a test part");
        string? kept = context.Folder is null ? null : Path.Combine(context.Folder, KeptClassifier);
        using FeatureNetwork? network = images.Train.Count == 0 ? null
            : await LearnedFeatures.OpenAsync(images, kept, context.Seed, generator.Device, progress, cancellation)
                .ConfigureAwait(false);
        if (network is not null && context.Folder is not null)
            network.Cache = new FeatureCache(Path.Combine(context.Folder, KeptFeatures));
        return await Task.Run(() => Evaluate(generator, data, images, part, network, context, progress, cancellation),
            cancellation).ConfigureAwait(false);
    }

    private static EvaluationReport Evaluate(IJudgedSounds generator, AudioData data, ImageData images,
        ImagePart part, FeatureNetwork? network, EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        progress?.Report(FormattableString.Invariant($"the model's own figures on {Quantity.Of(part.Count, "sound")}"));
        bool isTest = part == images.Test;
        var baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>>();
        Dictionary<string, Metric> metrics = generator.Own(isTest, part, baselines, context, cancellation);
        SpectrogramSounds sounds = generator.Generate(images.Train.Count > 0 ? images.Train.Labels : part.Labels,
            images.Schema, context, progress, cancellation);
        ImageSet drawn = sounds.Heard;
        SpectrogramSounds again = generator.Reconstruct(isTest, part, Math.Min(part.Count, drawn.Count), context.Seed,
            progress, cancellation);
        var notes = new List<string>
        {
            $"{part.Count} held-out sounds; 95 % intervals by bootstrap over sounds.",
            generator.Note,
        };
        var album = new ImageAlbum(context.Picture, images.Schema);
        album.AddSamples(sounds.Heard);
        IReadOnlyDictionary<string, Metric> byClass = new Dictionary<string, Metric>();
        bool compared = false, readBack = SoundsWorld.Reads(data.Schema) && generator.IsConditional;
        if (network is not null && !(context.HeadlineOnly && readBack))
        {
            var comparison = new ImageComparison(network, images, part, drawn.Count, 0, context, progress, cancellation,
                Unit);
            notes.AddRange(comparison.Notes);
            compared = comparison.IsPossible(drawn.Count);
            if (compared)
            {
                Add(metrics, comparison.Figures(sounds.Heard, "generated sounds", out ImageFeatures seen));
                byClass = comparison.ByClass(sounds.Heard, seen);
                foreach ((string name, Dictionary<string, Metric> figures) in
                    context.HeadlineOnly ? [] : comparison.Baselines(drawn.Count))
                    baselines[name] = figures;
                baselines["reconstructedSounds"] =
                    comparison.Figures(again.Heard, "reconstructed sounds", out _);
            }
            if (part.Count >= ImageCopying.FewestHeld && !context.HeadlineOnly)
            {
                var training = ImageSet.Of(images.Train, images.Train.Count);
                ImageCopying copying = ImageCopying.Check(network, sounds.Heard, ImageSet.Of(part, part.Count),
                    training, progress, cancellation);
                Add(metrics, copying.Figures(context.Options, context.Seed));
                notes.Add(copying.Note);
                album.AddNearest(sounds.Heard, training, copying);
            }
        }
        if (readBack)
        {
            metrics[Accuracy] = ReadBack(sounds, data.Schema, context);
            baselines["reconstructedSounds"] = new Dictionary<string, Metric>(
                baselines.GetValueOrDefault("reconstructedSounds") ?? new Dictionary<string, Metric>())
            {
                [Accuracy] = ReadBack(again, data.Schema, context),
            };
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{Accuracy}: the share of "
                + $"{Quantity.Of(drawn.Count, "sound")} of which the kind and its pitch, direction, tempo or vowel are "
                + $"measured from the samples as asked; reconstructedSounds are measured the same way."));
        }
        if (WriteSamples(context.Picture, sounds, data.Schema) is { } file)
            notes.Add($"plots/{file} holds {Math.Min(MostHeard, drawn.Count)} generated sounds, class by class.");
        Part which = isTest ? Part.Test : Part.Validation;
        JudgedOn on = JudgedOn.Of(data.Facts.Source, which, context.Other, Unit, () => 0, mostRepeated: 1);
        notes.AddRange(on.Notes);
        var sections = new List<ReportSection>();
        if (album.Images.Count > 0)
            sections.Add(new("Generated sounds") { Images = album.Images });
        if (byClass.Count > 0 && !readBack)
            sections.Add(new("Class by class") { Figures = byClass });
        var report = new EvaluationReport
        {
            Run = context.Run,
            Data = on.Data,
            Headline = readBack
                ? new(Accuracy, "of the class asked for", MoreIsBetter: true, "generated sounds:")
                : compared ? new("frechetDistance", "Fréchet distance", MoreIsBetter: false, "generated sounds:")
                : new(generator.OwnMetric.Metric, generator.OwnMetric.Unit, MoreIsBetter: false, on.Lead),
            Metrics = metrics,
            Baselines = baselines,
            Sections = sections,
            Picture = context.Picture is null ? null : Path.GetFileName(context.Picture),
            Notes = notes,
        };
        if (context.Picture is not null)
            EvaluationPlot.Save(context.Picture, // compared with noise all bars are flat
                report with { Baselines = report.Baselines.Where(b => b.Key != "noise").ToDictionary() });
        return report;
    }

    /// <summary>For the world of sounds: the share of sounds that are of the class that was asked for.</summary>
    private static Metric ReadBack(SpectrogramSounds sounds, AudioSchema schema, EvaluationContext context)
    {
        MeanScore[] right = [.. sounds.Samples.Select((samples, i) => new MeanScore(
            SoundsWorldReader.Classify(samples, schema.SampleRate) == sounds.Heard.Labels![i] ? 1 : 0, 1))];
        return MeanScore.Mean(right, context.Options, context.Seed, "share of sounds");
    }

    /// <summary>Writes some sounds one after another, class by class, next to the plot.</summary>
    private static string? WriteSamples(string? plot, SpectrogramSounds sounds, AudioSchema schema)
    {
        if (plot is null)
            return null;
        int[] order = [.. Enumerable.Range(0, sounds.Samples.Count).OrderBy(i => sounds.Heard.Labels?[i])];
        int count = Math.Min(MostHeard, order.Length);
        AudioSample[] heard = [.. Enumerable.Range(0, count).Select(i =>
            new AudioSample(schema.SampleRate, 1, sounds.Samples[order[(long)i * order.Length / count]]))];
        string file = $"{Path.GetFileNameWithoutExtension(plot)}-samples.wav";
        byte[] content = AudioOutput.Joined(heard);
        AtomicFile.Write(Path.Combine(Path.GetDirectoryName(plot)!, file), stream => stream.Write(content));
        return file;
    }

    private static void Add(Dictionary<string, Metric> metrics, IReadOnlyDictionary<string, Metric> more)
    {
        foreach ((string name, Metric metric) in more)
            metrics[name] = metric;
    }
}
