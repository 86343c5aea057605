using Atelier.Data.Images;
using Atelier.Decoding;
using Atelier.Kinds;
using Atelier.Models.Layers;
using static TorchSharp.torch;

namespace Atelier.Evaluation;

/// <summary>Judges models of pictures: the loss on held-out pictures, and in the world of shapes how many pictures are of the class asked for.</summary>
internal static class ImageEvaluator
{
    private const int BatchSize = 50;

    /// <summary>The report.</summary>
    /// <exception cref="AtelierException">There are no pictures to judge by.</exception>
    public static EvaluationReport Evaluate(ImageGenerator generator, ImageData data, Judging judging, IProgress<string>? progress, CancellationToken cancellation)
    {
        (ImagePart part, string name) = data.Test.Count > 0 ? (data.Test, "test part") : (data.Validation, "validation part");
        if (part.Count == 0)
            throw new AtelierException("no pictures are held out to judge by", data.Facts.Source, "give data.split a test part");
        progress?.Report(FormattableString.Invariant($"the loss on {part.Count} pictures"));
        var metrics = new Dictionary<string, Metric> { ["loss"] = MeanScore.Mean(Losses(generator.Model, part, cancellation), judging.Options, judging.Seed, "mean squared error") };
        var baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>>();
        var notes = new List<string> { FormattableString.Invariant($"{part.Count} held-out pictures; 95 % intervals by bootstrap over batches of {BatchSize}, and over pictures.") };
        bool readBack = data.Facts.Source == ShapesWorld.Name && generator.IsConditional;
        if (readBack)
        {
            metrics["classAccuracy"] = Drawn(generator, judging, progress, cancellation);
            baselines["heldOutPictures"] = new Dictionary<string, Metric> { ["classAccuracy"] = Real(part, judging) };
            notes.Add(FormattableString.Invariant($"classAccuracy: the share of {judging.Options.Pictures} pictures, every class in turn, whose form and colour are read back from the pixels as asked; heldOutPictures are read the same way."));
        }
        else
        {
            notes.Add("Classes are read back from pictures in the world of shapes alone: there is no figure of the drawn pictures here.");
        }
        var report = new EvaluationReport
        {
            Run = judging.Run,
            Data = $"{data.Facts.Source}, {name}",
            Headline = readBack ? new("classAccuracy", "of drawn pictures of the class asked for", MoreIsBetter: true, "drawn pictures:") : new("loss", "mean squared error", MoreIsBetter: false),
            Metrics = metrics,
            Baselines = baselines,
            Picture = judging.Picture is null ? null : Path.GetFileName(judging.Picture),
            Notes = notes,
        };
        if (judging.Picture is not null)
            EvaluationPlot.Save(judging.Picture, report);
        return report;
    }

    private static MeanScore[] Losses(ImageModel model, ImagePart part, CancellationToken cancellation)
    {
        var batches = new ImageBatches(part, BatchSize, seed: 0, shuffled: false);
        var losses = new MeanScore[batches.BatchesPerEpoch];
        Device device = model.parameters().First().device;
        using var mode = new EvaluationMode(model);
        for (int i = 0; i < losses.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            ImageBatch batch = batches.Get(i);
            long count = batch.Labels.shape[0];
            losses[i] = new(count * model.Evaluate(new ImageBatch(batch.Pictures.to(device), batch.Labels.to(device)))["loss"], count);
        }
        return losses;
    }

    private static Metric Drawn(ImageGenerator generator, Judging judging, IProgress<string>? progress, CancellationToken cancellation)
    {
        int classes = generator.Schema.Classes.Count, each = (judging.Options.Pictures + classes - 1) / classes;
        DrawingOptions drawing = generator.Model.Check(new DrawingOptions());
        var right = new List<MeanScore>();
        for (int label = 0; label < classes; label++)
        {
            for (int first = 0; first < each; first += BatchSize)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = Math.Min(BatchSize, each - first);
                byte[] pixels = generator.Draw(judging.Seed, (label * each) + first, count, label, drawing);
                for (int i = 0; i < count; i++)
                    right.Add(new(ShapesWorld.Classify(pixels.AsSpan(i * generator.Schema.Size, generator.Schema.Size)) == label ? 1 : 0, 1));
            }
            progress?.Report(FormattableString.Invariant($"{(label + 1) * each} of {classes * each} pictures drawn"));
        }
        return MeanScore.Mean(right, judging.Options, judging.Seed, "share of pictures");
    }

    private static Metric Real(ImagePart part, Judging judging)
    {
        var picture = new byte[part.Schema.Size];
        var right = new MeanScore[part.Count];
        for (int i = 0; i < right.Length; i++)
        {
            part.Read(i, picture);
            right[i] = new(ShapesWorld.Classify(picture) == part.Labels[i] ? 1 : 0, 1);
        }
        return MeanScore.Mean(right, judging.Options, judging.Seed, "share of pictures");
    }
}
