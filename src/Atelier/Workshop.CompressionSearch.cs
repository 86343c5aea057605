using Atelier.Compress;
using Atelier.Runs;
using Atelier.Training;

namespace Atelier;

public sealed partial class Workshop
{
    private static readonly string[] PrunedShares =
        ["50%", CompressionOptions.TwoOfFour, $"{CompressionOptions.Channels}25%"];

    /// <summary>
    /// Searches for the compression of a text model with the least loss of quality whose weights fit into a budget, and
    /// writes it. All ways are compared on a few passages first.
    /// </summary>
    /// <param name="source">The folder of a run or a bundle.</param>
    /// <param name="folder">The folder to write the compressed bundle to: a new folder, or that of an existing bundle.
    /// A plot of all that was tried is written next to it, with the ending .png.</param>
    /// <param name="options">The budget, and the texts to calibrate and compare on.</param>
    /// <param name="progress">Receives messages (step 0), and the progress of the recovery of pruned models.</param>
    /// <param name="cancellation">Cancels the operation; no files are left behind.</param>
    /// <exception cref="AtelierException">Nothing that was tried is within the budget and the bound, there is no text
    /// model or no held-out text, or the folder cannot be written. No files are left behind.</exception>
    public async Task<CompressionSearchReport> SearchCompressionAsync(string source, string folder,
        CompressionSearchOptions options, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        CompressionSearch.Check(options);
        bool prunes = options.RecoverySteps > 0, calibrates = options.Calibration != CompressionOptions.NoCalibration;
        var messages = new Messages(progress);
        using CompressionTexts texts = OpenTexts(source, calibrates ? options.Calibration : null, options.Against,
            prunes, messages, cancellation);
        if (texts.HeldOut is not { } data)
            throw new AtelierException("there is no held-out text to compare on", source,
                $"name one by {Mention.Field("against")}");
        var compression = new BundleCompression(texts.Bundle, texts.Recipe, OpenOnCpu, messages, cancellation);
        return await Task.Run(SearchAsync, cancellation).ConfigureAwait(false);

        async Task<CompressionSearchReport> SearchAsync()
        {
            var search = new CompressionSearch(compression, options, Path.Combine(texts.Folder, "tried"), messages);
            InputMoments? moments = calibrates ? compression.Moments(texts.Bundle, texts.Calibration) : null;
            search.Try(texts.Bundle, prune: null, moments, texts.Selection);
            foreach (string share in prunes ? PrunedShares : [])
            {
                var plan = CompressionPlan.Of(new CompressionOptions { Prune = share });
                Bundle pruned = compression.Prune(Path.Combine(texts.Folder, plan.FolderName), plan, moments);
                pruned = await RecoverAsync(pruned, RecoveryRecipe(source, pruned, plan), options.RecoverySteps!.Value,
                    Path.Combine(texts.Folder, $"run-{plan.FolderName}"), progress, cancellation)
                    .ConfigureAwait(false);
                search.Try(pruned, share, compression.Moments(pruned, texts.Calibration), texts.Selection);
            }
            return search.Keep(folder, data);
        }
    }
}
