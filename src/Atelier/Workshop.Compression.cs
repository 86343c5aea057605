using System.Globalization;
using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Text;
using Atelier.Training;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>
    /// Writes a smaller copy of a text model, with pruned weights, or weights quantised to 8, 4, 3 or 2 bits, or both,
    /// and compares it with the model on held-out text.
    /// </summary>
    /// <param name="source">The folder of a run or a bundle.</param>
    /// <param name="folder">The folder to write the compressed bundle to: a new folder, or that of an existing
    /// bundle.</param>
    /// <param name="options">What to do, and the text to calibrate and compare on.</param>
    /// <param name="progress">Receives messages (step 0), and the progress of the recovery of a pruned model.</param>
    /// <param name="cancellation">Cancels the operation; no files are left behind.</param>
    /// <exception cref="AtelierException">There is no text model, an option is invalid or needs text that is not there,
    /// or the folder cannot be written.</exception>
    public async Task<CompressionReport> CompressAsync(string source, string folder, CompressionOptions options,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        var plan = CompressionPlan.Of(options);
        var messages = new Messages(progress);
        using CompressionTexts texts = OpenTexts(source, plan.Calibrates ? options.Calibration : null, options.Against,
            plan.Prunes && options.RecoverySteps > 0, messages, cancellation);
        var compression = new BundleCompression(texts.Bundle, texts.Recipe, OpenOnCpu, messages, cancellation);
        return await Task.Run(RunAsync, cancellation).ConfigureAwait(false);

        async Task<CompressionReport> RunAsync()
        {
            Recipe recipe = texts.Recipe;
            if (plan.Prunes && texts.Calibration is not { Count: > 0 })
                throw new AtelierException("there is no text to calibrate on", source,
                    $"name one by {Mention.Field("calibrate")}");
            InputMoments? moments = plan.Calibrates ? compression.Moments(texts.Bundle, texts.Calibration) : null;
            Bundle now = texts.Bundle;
            if (plan.Prunes)
            {
                now = compression.Prune(Path.Combine(texts.Folder, "pruned"), plan, moments);
                long steps = options.RecoverySteps ?? (Run.Exists(source) ? recipe.Training.Steps / 4
                    ?? throw new AtelierException("the recipe of the run has no training.steps to take a quarter of",
                        source, $"set {Mention.Field("recover")}") : 0);
                if (steps > 0)
                {
                    now = await RecoverAsync(now, RecoveryRecipe(source, now, plan), steps,
                        Path.Combine(texts.Folder, "run"), progress, cancellation).ConfigureAwait(false);
                    if (plan.CalibratesRounding)
                        moments = compression.Moments(now, texts.Calibration);
                }
            }
            return compression.Write(folder, now, plan, moments, texts.HeldOut);
        }
    }

    /// <summary>Opens a model for compression, and prepares the texts.</summary>
    /// <param name="source">The folder of a run or a bundle.</param>
    /// <param name="calibration">Other text to calibrate on; null for that of the run.</param>
    /// <param name="against">Other text to compare on; null for that of the run.</param>
    /// <param name="recovers">Whether a recipe is needed to recover by.</param>
    /// <param name="messages">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the preparation.</param>
    private CompressionTexts OpenTexts(string source, string? calibration, string? against, bool recovers,
        Messages messages, CancellationToken cancellation)
    {
        Bundle bundle = Bundle.Open(source);
        bool ofRun = Run.Exists(source);
        if (recovers && !ofRun)
            throw new AtelierException("a bundle without its run has no recipe to recover by", source,
                $"set {Mention.Field("recover")} to 0, or name the run");
        var texts = new CompressionTexts(bundle, ofRun ? Run.ReadRecipe(source, Families) : new Recipe(),
            new WorkFolder());
        try
        {
            texts.Own = ofRun && Directory.Exists(Path.Combine(source, "data")) ? OpenData(source) as TextData : null;
            texts.Against = Other(against, "against");
            texts.Other = Other(calibration, "calibration");
            return texts;
        }
        catch
        {
            texts.Dispose();
            throw;
        }

        TextData? Other(string? name, string part) => name is null ? null
            : (TextData)new TextTask().PrepareOther(new OtherData(name, texts.Recipe, bundle, null,
                Path.Combine(texts.Folder, part), texts.Recipe.Seed), messages, cancellation);
    }

    private ITrainedModel OpenOnCpu(string path) => Open(path, new OpenOptions { Device = "cpu" });

    /// <summary>Returns the recipe of a run for its pruned model, which may have fewer channels.</summary>
    private Recipe RecoveryRecipe(string source, Bundle pruned, CompressionPlan plan) =>
        Run.ReadRecipe(source, Families, plan.Pruning != PruningKind.Channels ? [] :
            [string.Create(CultureInfo.InvariantCulture, $"model.feedForwardSize={ChannelPruning.WidthOf(pruned)}")]);

    /// <summary>Trains a pruned model for some steps, in which zeros stay zero.</summary>
    private async Task<Bundle> RecoverAsync(Bundle pruned, Recipe recipe, long steps, string folder,
        IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        const double rateShare = 1.0 / 3;
        var recovery = recipe with
        {
            Data = recipe.Data with { Tokenizer = new TokenizerSection() }, // the bundle has its own
            Training = FurtherTraining.Of(recipe.Training, steps, rateShare) with
            {
                From = pruned.Folder, KeepZeros = true, EvaluateEvery = 0, SampleEvery = 0, CheckpointEvery = 0,
            },
        };
        try
        {
            TrainingOutcome outcome = await TrainAsync(recovery, new TrainingOptions(folder) { Progress = progress },
                cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            return Bundle.Open(outcome.BundleFolder);
        }
        finally
        {
            if (History.Find(folder) is { } record) // its folder is a temporary one
                History.Delete(record.Id);
        }
    }

    /// <summary>Reports messages as progress before the first step.</summary>
    private sealed class Messages(IProgress<TrainingProgress>? progress) : IProgress<string>
    {
        public void Report(string value) => progress?.Report(new TrainingProgress { Step = 0, Message = value });
    }
}
