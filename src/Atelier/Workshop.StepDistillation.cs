using System.Diagnostics;
using System.Globalization;
using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Images;
using Atelier.Training;

namespace Atelier;

public sealed partial class Workshop
{
    private const int TimedImages = 64;
    private const int LeastDistillationSteps = 10;
    private const double DistillationShare = 0.1; // of the training steps of the original model
    private const double DistillationRate = 0.25; // of its learning rate
    private const double DistillationEma = 0.98; // so few steps need a shorter average

    /// <summary>
    /// Trains a copy of a model to sample in fewer steps (Salimans and Ho 2022), and compares both by evaluation.
    /// </summary>
    /// <param name="source">The run of the original model.</param>
    /// <param name="folder">The folder of the new run.</param>
    /// <param name="samplingSteps">The number of sampling steps, 1 to 64.</param>
    /// <param name="trainingSteps">The number of training steps; null takes a tenth of those of the run.</param>
    /// <param name="progress">Receives messages (step 0) and the progress of the training.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The model does not sample in steps, has no run, or cannot be a teacher; or an
    /// option is invalid.</exception>
    public async Task<StepDistillationReport> DistillStepsAsync(string source, string folder, int samplingSteps,
        long? trainingSteps = null, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        IModelFamily family = FamilyOfModel(source);
        if (family is not IStepDistillation distillable)
            throw new AtelierException($"a model of the family {family.Name} does not sample in steps", source,
                "use a diffusion model of images");
        if (!Run.Exists(source))
            throw new AtelierException("a bundle without its run has no recipe to learn by", source, "name the run");
        if (samplingSteps is < 1 or > 64)
            throw new AtelierException($"{samplingSteps} sampling steps", Mention.Field("steps"), "allowed: 1 to 64");
        Recipe recipe = Run.ReadRecipe(source, Families,
        [
            string.Create(CultureInfo.InvariantCulture, $"{distillable.StepsSetting}={samplingSteps}"),
            $"training.teacher={Path.GetFullPath(source)}",
        ]);
        TrainingSection training = recipe.Training;
        long steps = trainingSteps ?? (training.Steps is { } known
            ? Math.Max(LeastDistillationSteps, (long)(known * DistillationShare))
            : throw new AtelierException("the recipe of the run has no training.steps to take a tenth of", source,
                $"set {Mention.Field("recover")}"));
        if (steps < 1)
            throw new AtelierException($"{steps} training steps", Mention.Field("recover"), "allowed: 1 or more");
        recipe = recipe with
        {
            Training = FurtherTraining.Of(training, steps, DistillationRate) with
            {
                // the weights are those of the teacher, however it came to them
                From = null, FromWeights = null, Lora = null, KeepZeros = false, Freeze = new(),
                Ema = Math.Min(training.Ema, DistillationEma),
            },
        };
        TrainingOutcome outcome = await TrainAsync(recipe, new TrainingOptions(folder) { Progress = progress },
            cancellation).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        var messages = new Messages(progress);
        EvaluationReport after = await EvaluateAsync(folder, progress: messages, cancellation: cancellation)
            .ConfigureAwait(false);
        EvaluationReport before = EvaluationReport.Read(source)
            ?? await EvaluateAsync(source, progress: messages, cancellation: cancellation).ConfigureAwait(false);
        return new(folder, samplingSteps, outcome.Report.Seconds, before, after,
            await SpeedAsync(source).ConfigureAwait(false), await SpeedAsync(folder).ConfigureAwait(false));

        async Task<double> SpeedAsync(string run)
        {
            using ITrainedModel model = Open(run, cancellation: cancellation);
            var generator = model.Require<IGenerator>();
            var request = new GenerationRequest { Count = TimedImages };
            await DrawAsync().ConfigureAwait(false); // the first ones compile and allocate
            var watch = Stopwatch.StartNew();
            await DrawAsync().ConfigureAwait(false);
            return TimedImages / watch.Elapsed.TotalSeconds;

            async Task DrawAsync()
            {
                await foreach (Sample _ in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
                {
                }
            }
        }
    }
}
