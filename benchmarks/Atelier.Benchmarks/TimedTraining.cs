using System.Globalization;
using Atelier.Data;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Training;

namespace Atelier.Benchmarks;

/// <summary>A training through the whole trainer, timed step by step.</summary>
internal static class TimedTraining
{
    private const int Reports = 50;

    /// <summary>
    /// Steps of a timing: the usual ones, or those that ATELIER_BENCHMARK_STEPS names, for the losses after more.
    /// </summary>
    /// <exception cref="AtelierException">It names no such number.</exception>
    public static int Steps(int usual) =>
        Environment.GetEnvironmentVariable("ATELIER_BENCHMARK_STEPS") is not { Length: > 0 } steps ? usual
        : int.TryParse(steps, CultureInfo.InvariantCulture, out int number) && number > 0 ? number
        : throw new AtelierException($"'{steps}' is no whole number above 0", "ATELIER_BENCHMARK_STEPS",
            "name the steps of a timing, or leave it out");

    /// <summary>A training section that does nothing but learn, and tells of it about fifty times.</summary>
    /// <param name="steps">Its steps.</param>
    /// <param name="training">Its batches, loss and update; null for the usual ones.</param>
    public static TrainingSection Section(int steps, TrainingSection? training = null) => (training ?? new()) with
    {
        Steps = steps,
        Schedule = new() { Name = ScheduleName.Constant, WarmupSteps = 0 },
        EvaluateEvery = 0, EvaluationBatches = 1, SampleEvery = 0, CheckpointEvery = 0,
        ReportEvery = Math.Max(1, steps / Reports),
    };

    /// <summary>
    /// Trains, and tells the median speed of the last two thirds and the mean loss of the last tenth.
    /// </summary>
    /// <param name="recipe">What to train.</param>
    /// <param name="data">What it learns from.</param>
    /// <param name="look">Called about fifty times on the way, with the step.</param>
    public static Measurement Run(Recipe recipe, IDataSource data, Action<long>? look = null)
    {
        string folder = Directory.CreateTempSubdirectory("atelier-benchmark-").FullName;
        try
        {
            Plan(recipe, data, Path.Combine(folder, "plan"));
            using Run run = Runs.Run.Create(Path.Combine(folder, "run"), recipe);
            var told = new Told(look);
            ModelFamilies.All.Single(f => f.Name == recipe.Model.Family).CreateLearner(recipe, data)
                .LearnAsync(run, told, CancellationToken.None).GetAwaiter().GetResult();
            long steps = recipe.Training.Steps!.Value;
            TrainingProgress[] learned = [.. told.All.Where(p => p.ItemsPerSecond > 0)];
            return new Measurement(
                Comparison.Median(learned.Where(p => p.Step > steps / 3).Select(p => p.ItemsPerSecond!.Value)),
                Comparison.PeakMiB(),
                learned.Where(p => p.Step > steps - Math.Max(1, steps / 10)).Average(p => p.Loss));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>
    /// Measures how this machine learns the fastest, unless it is known: a short training would begin with a guess.
    /// </summary>
    private static void Plan(Recipe recipe, IDataSource data, string folder)
    {
        Recipe longer = recipe with { Training = recipe.Training with { Steps = null, Minutes = 2 } };
        using Run run = Runs.Run.Create(folder, longer);
        using var stop = new CancellationTokenSource();
        ModelFamilies.All.Single(f => f.Name == recipe.Model.Family).CreateLearner(longer, data)
            .LearnAsync(run, new Beginning(stop), stop.Token).GetAwaiter().GetResult();
    }

    /// <summary>Ends a training where learning would begin.</summary>
    private sealed class Beginning(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.IsLearning)
                stop.Cancel();
        }
    }

    private sealed class Told(Action<long>? look) : IProgress<TrainingProgress>
    {
        private readonly List<TrainingProgress> _all = [];

        public IReadOnlyList<TrainingProgress> All => _all;

        public void Report(TrainingProgress value)
        {
            _all.Add(value);
            if (value.ItemsPerSecond > 0)
                look?.Invoke(value.Step);
        }
    }
}
