using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>An image model's own metrics on held-out images, such as its loss.</summary>
internal static class HeldOutFigures
{
    /// <summary>The number of images in a batch.</summary>
    public const int BatchSize = 50;

    /// <summary>Computes the means of the model's own metrics on held-out images.</summary>
    public static Dictionary<string, Metric> Own(ImageModel model, ImagePart part, EvaluationContext context,
        CancellationToken cancellation) =>
        Means(model, part, part.Count, context, cancellation, (batch, _) => model.Judge(batch, context.Options)
            .Select(figure =>
                (figure.Key, (IEnumerable<MeanScore>)[new MeanScore(batch.Labels.shape[0] * figure.Value,
                batch.Labels.shape[0])])));

    /// <summary>Computes the likelihood of the first held-out images under the model.</summary>
    public static Dictionary<string, Metric> Likelihood(ImageModel model, ImagePart part, int count,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation) =>
        Means(model, part, count, context, cancellation, (batch, number) =>
        {
            if (number > 0)
                progress?.Report(
                    FormattableString.Invariant($"how likely {number * BatchSize} of {count} held-out images are"));
            using IDisposable threads = model.Threads.Begin(batch.Images.device, batch.Labels.shape[0]);
            return model.Likelihood(batch, context.Seed + number, cancellation)
                .Select(figure => (figure.Key, figure.Value.Select(value => new MeanScore(value, 1))));
        });

    /// <summary>Computes the mean of each metric over the first images of a part.</summary>
    private static Dictionary<string, Metric> Means(ImageModel model, ImagePart part, int count,
        EvaluationContext context, CancellationToken cancellation,
        Func<ImageBatch, int, IEnumerable<(string Figure, IEnumerable<MeanScore> Scores)>> judge)
    {
        var batches = new ImageBatches(part, BatchSize, seed: 0, shuffled: false);
        var scores = new Dictionary<string, List<MeanScore>>();
        Device device = model.parameters().First().device;
        using var mode = new EvaluationMode(model);
        for (int number = 0; number * BatchSize < count; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            ImageBatch batch = batches.Get(number);
            long some = Math.Min(count - (number * BatchSize), batch.Labels.shape[0]);
            foreach ((string figure,
                IEnumerable<MeanScore> values) in judge(new ImageBatch(batch.Images.narrow(0, 0, some).to(device),
                batch.Labels.narrow(0, 0, some).to(device)), number))
            {
                if (!scores.TryGetValue(figure, out List<MeanScore>? list))
                    scores[figure] = list = [];
                list.AddRange(values);
            }
        }
        return scores.ToDictionary(s => s.Key,
            s => MeanScore.Mean(s.Value, context.Options, context.Seed, model.Unit(s.Key)));
    }
}
