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
        Bundle bundle = Bundle.Open(source);
        bool ofRun = Run.Exists(source);
        Recipe recipe = ofRun ? Run.ReadRecipe(source, Families) : new Recipe();
        if (plan.Prunes && options.RecoverySteps > 0 && !ofRun)
            throw new AtelierException("a bundle without its run has no recipe to recover by", source,
                $"set {Mention.Field("recover")} to 0, or name the run");
        var messages = new Messages(progress);
        using var prepared = new WorkFolder();
        using var own = ofRun && Directory.Exists(Path.Combine(source, "data")) ? OpenData(source) as TextData : null;
        using TextData? against = Other(options.Against, "against");
        using TextData? other = plan.Calibrates ? Other(options.Calibration, "calibration") : null;
        var compression = new BundleCompression(bundle, recipe, OpenOnCpu, messages, cancellation);
        return await Task.Run(RunAsync, cancellation).ConfigureAwait(false);

        TextData? Other(string? name, string part) => name is null ? null
            : (TextData)new TextTask().PrepareOther(new OtherData(name, recipe, bundle, null,
                Path.Combine(prepared.Path, part), recipe.Seed), messages, cancellation);

        ITrainedModel OpenOnCpu(string path) => Open(path, new OpenOptions { Device = "cpu" }, cancellation);

        async Task<CompressionReport> RunAsync()
        {
            TokenFile? text = other?.Test ?? own?.Train;
            if (plan.Prunes && text is not { Count: > 0 })
                throw new AtelierException("there is no text to calibrate on", source,
                    $"name one by {Mention.Field("calibrate")}");
            InputMoments? moments = plan.Calibrates ? compression.Moments(bundle, text) : null;
            Bundle now = bundle;
            if (plan.Prunes)
            {
                now = compression.Prune(Path.Combine(prepared.Path, "pruned"), plan, moments);
                long steps = options.RecoverySteps ?? (ofRun ? recipe.Training.Steps / 4
                    ?? throw new AtelierException("the recipe of the run has no training.steps to take a quarter of",
                        source, $"set {Mention.Field("recover")}") : 0);
                if (steps > 0)
                {
                    now = await RecoverAsync(now, recipe, steps, Path.Combine(prepared.Path, "run"), progress,
                        cancellation).ConfigureAwait(false);
                    if (plan.CalibratesRounding)
                        moments = compression.Moments(now, text);
                }
            }
            return compression.Write(folder, now, plan, moments, against ?? own);
        }
    }

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
