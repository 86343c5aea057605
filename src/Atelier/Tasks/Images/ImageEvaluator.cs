using System.Globalization;
using Atelier.Data.Images;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>
/// Evaluates image models: by their own figures on held-out images, and by features of the images that they generate.
/// </summary>
internal static class ImageEvaluator
{
    private const string KeptClassifier = "judge/classifier.safetensors", KeptFeatures = "data/features";

    /// <summary>Evaluates a model.</summary>
    /// <exception cref="AtelierException">There are no images to evaluate on, or the requested features do not fit
    /// them.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(ImageGenerator generator, ImageData data,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        ImagePart part = data.Test.Count > 0 && !context.OnValidation ? data.Test : data.Validation;
        if (part.Count == 0)
            throw new AtelierException("no images are held out for evaluation", data.Facts.Source,
                "give data.split a test part");
        Device device = generator.Model.parameters().First().device;
        string? kept = context.Folder is null ? null : Path.Combine(context.Folder, KeptClassifier);
        using FeatureNetwork? network = context.Options.Features switch
        {
            "none" => null,
            "auto" => data.Train.Count == 0 ? null
                : await LearnedFeatures.OpenAsync(data, kept, context.Seed, device, progress, cancellation)
                .ConfigureAwait(false),
            string source => LeNet.Load(source, generator.Schema, device, progress, cancellation),
        };
        if (network is not null && context.Folder is not null)
            network.Cache = new FeatureCache(Path.Combine(context.Folder, KeptFeatures));
        return await Task.Run(() => Evaluate(generator, data, part, network, context, progress, cancellation),
            cancellation).ConfigureAwait(false);
    }

    private static EvaluationReport Evaluate(ImageGenerator generator, ImageData data, ImagePart part,
        FeatureNetwork? network, EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        progress?.Report(
            FormattableString.Invariant($"the model's own figures on {Quantity.Of(part.Count, "image")}"));
        Dictionary<string, Metric> metrics = HeldOutFigures.Own(generator.Model, part, context, cancellation);
        var baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>>();
        var notes = new List<string> {
            string.Create(CultureInfo.InvariantCulture,
            $"{part.Count} held-out images; 95 % intervals by bootstrap, of the model's own figures over batches "
                + $"of {HeldOutFigures.BatchSize}, of the others over images.") };
        int likely = Math.Min(context.Options.LikelihoodPictures, part.Count);
        if (likely > 0 && HeldOutFigures.Likelihood(generator.Model, part, likely, context, progress, cancellation)
            is { Count: > 0 } likelihood)
        {
            Add(metrics, likelihood);
            notes.Add(string.Create(CultureInfo.InvariantCulture,
                $"{string.Join(", ", likelihood.Keys)}: of the first {likely} held-out images, one in five of them "
                    + $"followed along the flow. Likelihoods are those of 8-bit values; intervals are over images."));
        }
        var sections = new List<ReportSection>();
        IReadOnlyDictionary<string, Metric> byClass = new Dictionary<string, Metric>();
        bool enlarges = generator.Model.Upscaler is not null, compared = false;
        bool readBack = data.Facts.Source == ShapesWorld.Name && ShapesWorld.Reads(generator.Schema)
            && (generator.IsConditional || enlarges);
        if (network is not null || readBack || enlarges)
        {
            UpscaledImages? enlarged = enlarges
                ? UpscaledImages.Sample(generator, part, context.Options.Pictures, context.Seed, progress, cancellation)
                : null;
            ImageSet drawn = enlarged?.Drawn
                ?? SampledImages.Sample(generator, data.Train.Count > 0 ? data.Train.Labels
                : part.Labels, context.Options.Pictures, context.Seed, progress, cancellation);
            var album = new ImageAlbum(context.Picture, generator.Schema);
            album.AddSamples(drawn);
            var bicubic = new Dictionary<string, Metric>();
            if (enlarged is not null)
            {
                Add(metrics, enlarged.Figures(drawn, context));
                Add(bicubic, enlarged.Figures(enlarged.Bicubic, context));
                baselines["bicubic"] = bicubic;
                notes.Add(string.Create(CultureInfo.InvariantCulture,
                    $"{drawn.Count} held-out images were made small and enlarged again, by the model and by "
                        + $"bicubic interpolation."));
                album.AddEnlarged(enlarged);
            }
            if (network is not null && !(context.HeadlineOnly && readBack))
            {
                var comparison = new ImageComparison(network, data, part, drawn.Count, enlarges ? drawn.Count : 0,
                    context, progress, cancellation);
                notes.AddRange(comparison.Notes);
                compared = comparison.IsPossible(drawn.Count);
                if (compared)
                {
                    Add(metrics, comparison.Figures(drawn, "generated images", out ImageFeatures seen));
                    byClass = comparison.ByClass(drawn, seen);
                    if (enlarged is not null)
                        Add(bicubic, comparison.Figures(enlarged.Bicubic, "images enlarged bicubically", out _));
                    foreach ((string name, Dictionary<string, Metric> figures) in
                        context.HeadlineOnly ? [] : comparison.Baselines(drawn.Count))
                        baselines[name] = figures;
                }
                if (part.Count >= ImageCopying.FewestHeld && !context.HeadlineOnly)
                {
                    var training = ImageSet.Of(data.Train, data.Train.Count);
                    ImageCopying copying = ImageCopying.Check(network, drawn, ImageSet.Of(part, part.Count), training,
                        progress, cancellation);
                    Add(metrics, copying.Figures(context.Options, context.Seed));
                    notes.Add(copying.Note);
                    album.AddNearest(drawn, training, copying);
                }
            }
            if (readBack)
            {
                metrics["classAccuracy"] = ReadBack(drawn, context);
                if (enlarged is not null)
                    bicubic["classAccuracy"] = ReadBack(enlarged.Bicubic, context);
                baselines["heldOutPictures"] =
                    new Dictionary<string, Metric>(baselines.GetValueOrDefault("heldOutPictures")
                    ?? new Dictionary<string, Metric>())
                {
                    ["classAccuracy"] = ReadBack(ImageSet.Of(part, part.Count), context),
                };
                notes.Add(string.Create(CultureInfo.InvariantCulture,
                    $"classAccuracy: the share of {Quantity.Of(drawn.Count, "image")} whose form and colour are "
                        + $"read back from the pixels as asked; heldOutPictures are read the same way."));
            }
            if (album.Images.Count > 0)
                sections.Add(new("Generated images") { Images = album.Images });
            if (byClass.Count > 0)
                sections.Add(new("Class by class") { Figures = byClass });
        }
        Part which = part == data.Test ? Part.Test : Part.Validation;
        JudgedOn on = JudgedOn.Of(data.Facts.Source, which, context.Other, "pictures", () => 0, mostRepeated: 1);
        notes.AddRange(on.Notes);
        var report = new EvaluationReport
        {
            Run = context.Run,
            Data = on.Data,
            Headline = readBack
                ? new("classAccuracy", "of the class asked for", MoreIsBetter: true,
                "generated images:")
                : compared ? new("frechetDistance", "Fréchet distance", MoreIsBetter: false, "generated images:")
                : new("loss", generator.Model.Unit("loss"), MoreIsBetter: false, on.Lead),
            Metrics = metrics,
            Baselines = baselines,
            Sections = sections,
            Picture = context.Picture is null ? null : Path.GetFileName(context.Picture),
            Notes = notes,
        };
        if (context.Picture is not null)
            // compared with noise all bars are flat
            EvaluationPlot.Save(context.Picture,
                report with { Baselines = report.Baselines.Where(b => b.Key != "noise").ToDictionary() });
        return report;
    }

    /// <summary>For the world of shapes: the share of images that show the class they were generated for.</summary>
    private static Metric ReadBack(ImageSet images, EvaluationContext context)
    {
        var image = new byte[images.Schema.Size];
        var right = new MeanScore[images.Count];
        for (int i = 0; i < right.Length; i++)
        {
            images.Read(i, image);
            right[i] = new(ShapesWorld.Classify(image) == images.Labels![i] ? 1 : 0, 1);
        }
        return MeanScore.Mean(right, context.Options, context.Seed, "share of pictures");
    }

    private static void Add(Dictionary<string, Metric> metrics, IReadOnlyDictionary<string, Metric> more)
    {
        foreach ((string name, Metric metric) in more)
            metrics[name] = metric;
    }
}
