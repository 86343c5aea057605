using Atelier.Data.Images;
using Atelier.Evaluation.Images;
using Atelier.Kinds;
using Atelier.Models.Layers;
using static TorchSharp.torch;

namespace Atelier.Evaluation;

/// <summary>Judges models of pictures: by their own figures on held-out pictures, and by what they draw, seen through a network's features.</summary>
internal static class ImageEvaluator
{
    private const int BatchSize = 50;
    private const int MostReal = 10_000; // pictures that drawn ones are compared with

    /// <summary>The report.</summary>
    /// <exception cref="AtelierException">There are no pictures to judge by.</exception>
    public static EvaluationReport Evaluate(ImageGenerator generator, ImageData data, Judging judging, IProgress<string>? progress, CancellationToken cancellation)
    {
        (ImagePart part, string name) = data.Test.Count > 0 ? (data.Test, "test part") : (data.Validation, "validation part");
        if (part.Count == 0)
            throw new AtelierException("no pictures are held out to judge by", data.Facts.Source, "give data.split a test part");
        using var scope = NewDisposeScope();
        progress?.Report(FormattableString.Invariant($"the model's own figures on {part.Count} pictures"));
        Dictionary<string, Metric> metrics = Own(generator.Model, part, judging, cancellation);
        var baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>>();
        var notes = new List<string> { FormattableString.Invariant($"{part.Count} held-out pictures; 95 % intervals by bootstrap over batches of {BatchSize}, and over pictures.") };
        bool readBack = data.Facts.Source == ShapesWorld.Name && generator.IsConditional;
        string features = judging.Options.Features;
        bool looked = features is not ("none" or "auto");
        if (readBack || looked)
        {
            PictureSet drawn = DrawnPictures.Draw(generator, data.Train.Count > 0 ? data.Train.Labels : part.Labels, judging.Options.Pictures, judging.Seed, progress, cancellation);
            if (looked)
            {
                using FeatureNetwork network = LeNet.Load(features, generator.Schema, generator.Model.parameters().First().device, progress, cancellation);
                var comparison = new PictureComparison(network, PictureSet.Of(part, Math.Max(MostReal, drawn.Count)), judging, progress, cancellation);
                Add(metrics, comparison.Figures(drawn, "drawn pictures"));
                baselines["trainingPictures"] = comparison.Figures(PictureSet.Of(data.Train, drawn.Count), "training pictures");
                baselines["noise"] = comparison.Figures(PictureSet.Noise(generator.Schema, drawn.Count, judging.Seed), "pictures of noise");
                notes.AddRange(comparison.Notes);
            }
            if (readBack)
            {
                metrics["classAccuracy"] = ReadBack(drawn, judging);
                baselines["heldOutPictures"] = new Dictionary<string, Metric> { ["classAccuracy"] = ReadBack(PictureSet.Of(part, part.Count), judging) };
                notes.Add(FormattableString.Invariant($"classAccuracy: the share of {drawn.Count} pictures whose form and colour are read back from the pixels as asked; heldOutPictures are read the same way."));
            }
        }
        var report = new EvaluationReport
        {
            Run = judging.Run,
            Data = $"{data.Facts.Source}, {name}",
            Headline = readBack ? new("classAccuracy", "of drawn pictures of the class asked for", MoreIsBetter: true, "drawn pictures:")
                : looked ? new("frechetDistance", "Fréchet distance", MoreIsBetter: false, "drawn pictures:")
                : new("loss", generator.Model.Unit("loss"), MoreIsBetter: false),
            Metrics = metrics,
            Baselines = baselines,
            Picture = judging.Picture is null ? null : Path.GetFileName(judging.Picture),
            Notes = notes,
        };
        if (judging.Picture is not null)
            EvaluationPlot.Save(judging.Picture, report);
        return report;
    }

    /// <summary>What the model itself says of held-out pictures, the mean over them.</summary>
    private static Dictionary<string, Metric> Own(ImageModel model, ImagePart part, Judging judging, CancellationToken cancellation)
    {
        var batches = new ImageBatches(part, BatchSize, seed: 0, shuffled: false);
        var scores = new Dictionary<string, List<MeanScore>>();
        Device device = model.parameters().First().device;
        using var mode = new EvaluationMode(model);
        for (int i = 0; i < batches.BatchesPerEpoch; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            ImageBatch batch = batches.Get(i);
            long count = batch.Labels.shape[0];
            foreach ((string figure, double value) in model.Judge(new ImageBatch(batch.Pictures.to(device), batch.Labels.to(device)), judging.Options))
            {
                if (!scores.TryGetValue(figure, out List<MeanScore>? list))
                    scores[figure] = list = [];
                list.Add(new(count * value, count));
            }
        }
        return scores.ToDictionary(s => s.Key, s => MeanScore.Mean(s.Value, judging.Options, judging.Seed, model.Unit(s.Key)));
    }

    /// <summary>In the world of shapes: the share of pictures of the class that they are told to be.</summary>
    private static Metric ReadBack(PictureSet pictures, Judging judging)
    {
        var picture = new byte[pictures.Schema.Size];
        var right = new MeanScore[pictures.Count];
        for (int i = 0; i < right.Length; i++)
        {
            pictures.Read(i, picture);
            right[i] = new(ShapesWorld.Classify(picture) == pictures.Labels![i] ? 1 : 0, 1);
        }
        return MeanScore.Mean(right, judging.Options, judging.Seed, "share of pictures");
    }

    private static void Add(Dictionary<string, Metric> metrics, IReadOnlyDictionary<string, Metric> more)
    {
        foreach ((string name, Metric metric) in more)
            metrics[name] = metric;
    }
}
