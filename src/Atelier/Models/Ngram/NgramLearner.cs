using System.Diagnostics;
using Atelier.Data.Text;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Training;

namespace Atelier.Models.Ngram;

/// <summary>Trains an n-gram model in one pass over the corpus.</summary>
internal sealed class NgramLearner(Recipe recipe, TextData text) : ILearner
{
    /// <inheritdoc/>
    public Task<TrainingReport> LearnAsync(Run run, IProgress<TrainingProgress> progress,
        CancellationToken cancellation) =>
        Task.Run(() => Learn(run, progress, cancellation), cancellation);

    private TrainingReport Learn(Run run, IProgress<TrainingProgress> progress, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var config = (NgramConfig?)recipe.Model.Config ?? new NgramConfig();
        using NgramModel model =
            NgramModel.Count(text.Train, config, text.Tokenizer.VocabularySize, text.Facts.StartId, cancellation);
        cancellation.ThrowIfCancellationRequested();
        NgramFamily.Write(run.BundleFolder, model, recipe, text);
        progress.Report(new TrainingProgress
        {
            Step = 1,
            TotalSteps = 1,
            ItemsPerSecond = text.Train.Count / watch.Elapsed.TotalSeconds,
            Message = $"counted {Quantity.Of(text.Train.Count, "token")} into {model.Trie.Tokens.Length} n-grams",
        });
        return new TrainingReport(1, watch.Elapsed.TotalSeconds, "converged",
            new Dictionary<string, double> { ["ngrams"] = model.Trie.Tokens.Length });
    }
}
