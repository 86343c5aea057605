using Atelier.Data;
using Atelier.Recipes;

namespace Atelier.Tasks.Pairs;

/// <summary>Suggests settings for a user's own pairs of texts, by their amount.</summary>
internal static class PairAdvice
{
    /// <summary>Suggests settings for a file with both texts, or for two files, separated by a comma.</summary>
    /// <param name="task">The task.</param>
    /// <param name="path">The path of the file or folder, or the two paths.</param>
    /// <param name="family">The family to train.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is nothing there.</exception>
    public static DataAdvice For(ITask task, string path, IModelFamily family, CancellationToken cancellation)
    {
        bool isNamed = NamedSource.Find(path) is not null;
        string[] paths = isNamed || Path.Exists(path) ? [path] : path.Split(',', StringSplitOptions.TrimEntries);
        long bytes = paths.Sum(one => DataAdvice.Bytes(one, Mention.Field(task.Name), cancellation));
        // a byte of a compressed file holds about three of text
        long size = !isNamed && paths[0].EndsWith(".gz", StringComparison.Ordinal) ? 3 * bytes : bytes;
        (int vocabulary, int steps, double dropout) = size switch
        {
            < 300_000 => (1000, 2000, 0.3),
            < 3_000_000 => (4000, 4000, 0.3),
            < 30_000_000 => (8000, 8000, 0.2),
            _ => (16_000, 20_000, 0.1),
        };
        List<string> overrides =
        [
            $"data.source={RecipeWriter.Quote(isNamed ? path : string.Join(',', paths.Select(Path.GetFullPath)))}",
            $"name={RecipeWriter.Quote(isNamed ? DataAdvice.NameOf(path) : Path.GetFileName(paths[0]).Split('.')[0])}",
            $"data.kind={task.Name}",
            "data.tokenizer.kind=bpe", $"data.tokenizer.vocabularySize={vocabulary}", $"model.family={family.Name}",
            FormattableString.Invariant($"model.dropout={dropout}"), $"training.steps={steps}",
            "training.labelSmoothing=0.1", "training.schedule.warmupSteps=400", "generation.beamWidth=5",
            "generation.earlyStopping=true",
            .. DataAdvice.Optimizer(family) is { Count: > 0 } own ? own
                : ["training.optimizer.learningRate=0.002"],
        ];
        return new DataAdvice(overrides, $"{DataAdvice.Size(bytes)} of pairs");
    }
}
