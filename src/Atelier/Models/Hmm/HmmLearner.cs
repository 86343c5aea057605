using System.Diagnostics;
using System.Globalization;
using Atelier.Models.Hmm.Inference;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tensors.Ranks;
using Atelier.Training;
using Atelier.Training.Distributed;
using static TorchSharp.torch;

namespace Atelier.Models.Hmm;

/// <summary>
/// Trains by Baum-Welch from several initialisations and for several numbers of states, and keeps the best model. Each
/// combination of a number of states and an initialisation is a job; a checkpoint holds the current job and the best
/// model so far.
/// </summary>
/// <param name="recipe">The recipe.</param>
/// <param name="emission">The emission distributions.</param>
/// <param name="training">The training data.</param>
/// <param name="validation">The validation data, for choosing the number of states; may be empty.</param>
/// <param name="symbols">Number of different symbols, for categorical emissions.</param>
/// <param name="write">Writes a model to the bundle folder.</param>
internal sealed class HmmLearner(Recipe recipe, HmmEmission emission, IReadOnlyList<HmmSequence> training,
    IReadOnlyList<HmmSequence> validation, int symbols, Action<string, HmmModel> write) : IRankLearner
{
    private const int LeastIterations = 10; // early iterations gain little while the states are still nearly alike

    private const string CurrentFile = "model.safetensors", BestFile = "best.safetensors";

    private readonly HmmConfig _config = (HmmConfig?)recipe.Model.Config ?? new HmmConfig();
    private readonly long _items = training.Sum(s => (long)s.Length);

    /// <inheritdoc/>
    public Task<TrainingReport> LearnAsync(Run run, IProgress<TrainingProgress> progress,
        CancellationToken cancellation) =>
        Task.Run(() => Learn(run, progress, cancellation), CancellationToken.None);

    private TrainingReport Learn(Run run, IProgress<TrainingProgress> progress, CancellationToken cancellation)
    {
        if (_items == 0)
            throw new AtelierException("there is no data to train on", "data.source", "provide more data");
        bool byValidation = _config.Choose == HmmChoice.Validation && validation.Sum(s => (long)s.Length) > 0;
        int[] counts = _config.StateCounts.Count > 0 ? [.. _config.StateCounts] : [_config.StateCount];
        (int States, int Restart)[] jobs =
            [.. from states in counts from restart in Enumerable.Range(0, _config.Restarts) select (states, restart)];
        var store = new CheckpointStore(run.CheckpointFolder);
        (Progress at, HmmModel? model, HmmModel? best) =
            Restore(store, line => progress.Report(new TrainingProgress { Step = 0, Message = line }));
        using var log = new TrainingLog(run, at.Step, new Dictionary<string, double>());
        ICommunicator ranks = run.Ranks;
        // A rank that stopped within an iteration would leave the others waiting.
        CancellationToken within = ranks.Size > 1 ? CancellationToken.None : cancellation;
        var watch = Stopwatch.StartNew();
        double secondsBefore = at.Seconds;
        progress.Report(new TrainingProgress { Step = at.Step, ItemUnit = "symbols", IsLearning = at.Step > 0 });
        while (at.Job < jobs.Length)
        {
            (int states, int restart) = jobs[at.Job];
            model ??= HmmInitialisation.Create(_config, states, emission, training, symbols,
                SplitMix64.At((ulong)recipe.Seed, (ulong)at.Job));
            string? end = null;
            double before = at.LogLikelihood;
            while (end is null)
            {
                if (at.Step > 0 && RankAgreement.StopReason(ranks, cancellation.IsCancellationRequested
                    ? "interrupted" : null) is not null)
                    return Interrupt(ranks, store, at with { Seconds = secondsBefore + watch.Elapsed.TotalSeconds },
                        model, best, watch);
                double started = watch.Elapsed.TotalSeconds;
                HmmModel next;
                double logLikelihood;
                try
                {
                    (next, logLikelihood) = model.Step(training, _config, within, ranks);
                }
                catch (OperationCanceledException) when (at.Step > 0)
                {
                    continue; // the loop's first lines then save the model of the last full iteration
                }
                at = at with { Step = at.Step + 1, Iteration = at.Iteration + 1, LogLikelihood = logLikelihood };
                model = next;
                log.Write(at.Step,
                    new Dictionary<string, double> { ["loss"] = -logLikelihood / _items, ["stateCount"] = states });
                bool converged = (logLikelihood - before) / _items < _config.Tolerance
                    && at.Iteration > LeastIterations;
                long most = Math.Min(_config.Iterations, recipe.Training.Steps ?? long.MaxValue);
                double seconds = secondsBefore + watch.Elapsed.TotalSeconds;
                end = converged ? "converged" : at.Iteration >= most ? "iterations"
                    : ranks.Decide(seconds >= recipe.Training.Minutes * 60) ? "time" : null;
                before = logLikelihood;
                progress.Report(new TrainingProgress
                {
                    Step = at.Step, Loss = -logLikelihood / _items, ItemUnit = "symbols", IsLearning = true,
                    TotalSteps = (long)jobs.Length * _config.Iterations,
                    ItemsPerSecond = _items / (watch.Elapsed.TotalSeconds - started),
                });
                if (end is null && recipe.Training.CheckpointEvery > 0
                    && at.Step % recipe.Training.CheckpointEvery == 0)
                    Save(ranks, store, at with { Seconds = secondsBefore + watch.Elapsed.TotalSeconds }, model, best);
            }
            double own = model.LogLikelihoods(training).Sum();
            double held = validation.Count > 0 ? model.LogLikelihoods(validation).Sum() : double.NaN;
            double bic = own - (model.FreeParameters / 2.0 * Math.Log(_items));
            // Restarts are compared by training likelihood; numbers of states by the criterion in the recipe.
            double score = counts.Length == 1 ? own : byValidation ? held : bic;
            long heldItems = validation.Sum(s => (long)s.Length);
            if (heldItems > 0)
                log.Write(at.Step, new Dictionary<string, double> { ["validationLoss"] = -held / heldItems });
            string ended = end == "converged" ? "converged" : $"ended by {end}";
            string losses = string.Create(CultureInfo.InvariantCulture, $"training {-own / _items:0.0000}")
                + (heldItems == 0 ? ""
                    : string.Create(CultureInfo.InvariantCulture, $", validation {-held / heldItems:0.0000}"));
            progress.Report(new TrainingProgress
            {
                Step = at.Step,
                Message = string.Create(CultureInfo.InvariantCulture,
                    $"{Quantity.Of(states, "state")}, beginning {restart + 1} of {_config.Restarts}: {ended} after "
                        + $"{Quantity.Of(at.Iteration, "iteration")}; nats per symbol: {losses}; BIC {bic:0.0}"),
            });
            if (best is null || score > at.BestScore)
            {
                best = model;
                at = at with
                {
                    BestScore = score, BestLogLikelihood = own, BestValidation = held, BestBic = bic, End = end,
                };
            }
            (model, at) = (null, at with { Job = at.Job + 1, Iteration = 0, LogLikelihood = double.NegativeInfinity });
        }
        if (ranks.Leads())
            write(run.BundleFolder, best!);
        log.Plot();
        var metrics = new Dictionary<string, double>
        {
            ["trainingLogLikelihood"] = at.BestLogLikelihood, ["trainingBic"] = at.BestBic,
            ["stateCount"] = best!.StateCount, ["freeParameters"] = best.FreeParameters,
        };
        if (double.IsFinite(at.BestValidation))
            metrics["validationLogLikelihood"] = at.BestValidation;
        return new TrainingReport(at.Step, watch.Elapsed.TotalSeconds, at.End, metrics);
    }

    private TrainingReport Interrupt(ICommunicator ranks, CheckpointStore store, Progress at, HmmModel model,
        HmmModel? best, Stopwatch watch)
    {
        Save(ranks, store, at, model, best);
        return new TrainingReport(at.Step, watch.Elapsed.TotalSeconds, "interrupted",
            new Dictionary<string, double> { ["trainingLogLikelihood"] = at.LogLikelihood });
    }

    private void Save(ICommunicator ranks, CheckpointStore store, Progress at, HmmModel model, HmmModel? best)
    {
        if (!ranks.Leads())
            return;
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = HmmTensors.Write(model);
        tensors["progress"] = tensor(at.ToArray(), ScalarType.Float64);
        var files = new Dictionary<string, IReadOnlyDictionary<string, Tensor>> { [CurrentFile] = tensors };
        if (best is not null)
            files[BestFile] = HmmTensors.Write(best);
        store.Save(new TrainingState { Step = at.Step, Seed = recipe.Seed, ElapsedSeconds = at.Seconds }, files);
    }

    private (Progress At, HmmModel? Model, HmmModel? Best) Restore(CheckpointStore store, Action<string> report)
    {
        if (store.FindNewest(report) is not { } state)
            return (new Progress(), null, null);
        HmmModel Read(string path, out Progress at)
        {
            IReadOnlyDictionary<string, Tensor> tensors = TensorFiles.Read(path);
            try
            {
                at = tensors.TryGetValue("progress", out Tensor? numbers)
                    ? Progress.Of(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(numbers.bytes))
                    : new Progress();
                return HmmTensors.Read(tensors, emission, _config.Covariance, path);
            }
            finally
            {
                foreach (Tensor tensor in tensors.Values)
                    tensor.Dispose();
            }
        }
        string folder = store.FolderOf(state.Step), best = Path.Combine(folder, BestFile);
        HmmModel model = Read(Path.Combine(folder, CurrentFile), out Progress at);
        return (at with { Seconds = state.ElapsedSeconds }, model, File.Exists(best) ? Read(best, out _) : null);
    }

    /// <summary>The progress of the training, as a checkpoint stores it.</summary>
    private sealed record Progress
    {
        public int Job { get; init; }

        public long Iteration { get; init; }

        public long Step { get; init; }

        public double LogLikelihood { get; init; } = double.NegativeInfinity;

        public double BestScore { get; init; } = double.NegativeInfinity;

        public double BestLogLikelihood { get; init; }

        public double BestValidation { get; init; } = double.NaN;

        public double BestBic { get; init; }

        public string End { get; init; } = "converged";

        public double Seconds { get; init; }

        /// <summary>Converts the progress to numbers, without the seconds.</summary>
        public double[] ToArray() =>
            [Job, Iteration, Step, LogLikelihood, BestScore, BestLogLikelihood, BestValidation, BestBic,
            End == "converged" ? 0 : End == "time" ? 2 : 1];

        /// <summary>Creates the progress from the numbers of <see cref="ToArray"/>.</summary>
        public static Progress Of(ReadOnlySpan<double> numbers) => new()
        {
            Job = (int)numbers[0],
            Iteration = (long)numbers[1],
            Step = (long)numbers[2],
            LogLikelihood = numbers[3],
            BestScore = numbers[4],
            BestLogLikelihood = numbers[5],
            BestValidation = numbers[6],
            BestBic = numbers[7],
            End = ((string[])["converged", "iterations", "time"])[(int)numbers[8]],
        };
    }
}
