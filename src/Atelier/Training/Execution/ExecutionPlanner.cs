using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// Decides how a training step is executed: the number of copies of the model, their threads and the path of their
/// layers. The recipe comes first, then what the run used before, then the fastest plan for this work on this machine,
/// which is measured once and kept. If there is no time to measure, or other programs use the cores, a guess is used,
/// and the next run measures.
/// </summary>
/// <param name="recipe">The work.</param>
/// <param name="home">The folder that keeps what was measured.</param>
/// <param name="tell">Receives messages for the user.</param>
internal sealed class ExecutionPlanner(Recipe recipe, string home, Action<string> tell)
{
    private const string HomeFile = "execution-plans.json";
    private const double SecondsPerTiming = 0.15;
    private const int LeastTimed = 3;
    // .NET compiles well what was met thirty times, when nothing new has been met for a while
    private const int StepsBefore = 3;
    // OpenMP's threads wait busily for up to 200 ms
    private static readonly TimeSpan BusyWait = TimeSpan.FromMilliseconds(250);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>
    /// The plan of a run. It is written into the run's folder, so that the run continues with the same plan.
    /// </summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="canReplicate">Whether there can be several copies of the model.</param>
    /// <param name="limit">The time that measuring may take.</param>
    /// <param name="time">Times a step with a plan; null if the time was up first.</param>
    /// <exception cref="OperationCanceledException">The training is interrupted.</exception>
    public ExecutionPlan Resolve(string runFolder, bool canReplicate, MeasuringLimit limit,
        Func<ExecutionPlan, PlanTiming?> time)
    {
        string runFile = Path.Combine(runFolder, Run.PlanFile);
        ExecutionPlan[] candidates = Candidates(canReplicate);
        ExecutionPlan plan = Read<ExecutionPlan>(runFile) is { } before && IsPossible(before, canReplicate) ? before
            : candidates.Length == 1 ? candidates[0]
            : KnownOrMeasured(candidates, limit, time);
        AtomicFile.WriteText(runFile, JsonSerializer.Serialize(plan, Json));
        return plan;
    }

    /// <summary>Times a batch, the median of several, learned from as the replicas do; nothing is moved.</summary>
    /// <returns>Null where the time was up before a step was timed.</returns>
    public static PlanTiming? Time<TBatch>(Replicas<TBatch> replicas, TBatch batch, long seed, MeasuringLimit limit)
    {
        var seconds = new List<double>();
        double Once() => limit.Time(() => Learn(replicas, batch, seed, seconds.Count));
        for (int step = 0; step < StepsBefore && !limit.IsOver; step++)
            Once();
        limit.Wait(BusyWait); // .NET's compiler and the threads of the plan timed before would take this one's cores
        if (!limit.IsOver)
            Once();
        while (!limit.IsOver && (seconds.Count < LeastTimed || seconds.Sum() < SecondsPerTiming))
            seconds.Add(Once());
        replicas.Begin(0);
        if (seconds.Count == 0)
            return null;
        seconds.Sort();
        double median = seconds[seconds.Count / 2];
        return new PlanTiming(median, replicas.Dispatch.HasKernels, replicas.Dispatch.HasTiles,
            replicas.Dispatch.HasAttention) { Spread = (median / seconds[0]) - 1 };
    }

    private static void Learn<TBatch>(Replicas<TBatch> replicas, TBatch batch, long seed, long step)
    {
        using var scope = NewDisposeScope();
        replicas.Seed(seed, step);
        for (int turn = 0; turn < replicas.Objectives[0].Count; turn++)
        {
            for (int repeat = 0; repeat < replicas.Objectives[0][turn].Repeats; repeat++)
            {
                replicas.Begin(turn);
                replicas.Learn(turn, batch, 1);
            }
        }
    }

    /// <summary>Each number of copies that halves the threads of the one before.</summary>
    private ExecutionPlan[] Candidates(bool canReplicate)
    {
        TrainingSection section = recipe.Training;
        int threads = ComputeDevice.ThreadsOf(section.Threads);
        bool alone = !canReplicate || ComputeDevice.Resolve(section.Device).type != DeviceType.CPU;
        if (section.Replicas > 1 && alone)
            throw new AtelierException("this model does not support replicas", "training.replicas", "leave it out");
        if (section.Replicas > 0)
            return [new ExecutionPlan(section.Replicas, Math.Max(1, threads / section.Replicas))];
        var candidates = new List<ExecutionPlan> { new(1, threads) };
        for (int copies = 2; copies <= Math.Min(threads, recipe.Training.BatchSize) && !alone; copies *= 2)
            candidates.Add(new ExecutionPlan(copies, threads / copies));
        return [.. candidates];
    }

    private bool IsPossible(ExecutionPlan plan, bool canReplicate) =>
        plan is { Replicas: > 0, Threads: > 0 } && (plan.Replicas == 1 || canReplicate)
        && (recipe.Training.Replicas == 0 || recipe.Training.Replicas == plan.Replicas);

    private ExecutionPlan KnownOrMeasured(ExecutionPlan[] candidates, MeasuringLimit limit,
        Func<ExecutionPlan, PlanTiming?> time)
    {
        string path = Path.Combine(home, HomeFile), key = Key();
        Dictionary<string, ExecutionPlan> known = Read<Dictionary<string, ExecutionPlan>>(path) ?? [];
        if (known.TryGetValue(key, out ExecutionPlan? plan) && candidates.Contains(plan with { Layers = default }))
            return plan;
        // The most copies: on processors the fastest nearly always, since copies do not wait for one another within a
        // step.
        ExecutionPlan guess = candidates[^1];
        if (limit.IsTooShort(StepsBefore + 1 + LeastTimed))
            return guess;
        tell("measuring the fastest execution plan for this machine: at most ten seconds or a tenth of the training");
        var measuring = new PlanMeasuring(limit, time);
        (plan, string? doubt) = measuring.Run(candidates, guess);
        if (doubt is not null)
        {
            tell($"{doubt}: using an estimate; the next training measures again");
            return plan;
        }
        known[key] = plan;
        try
        {
            Directory.CreateDirectory(home);
            AtomicFile.WriteText(path, JsonSerializer.Serialize(known, Json));
        }
        catch (Exception e) when (e is AtelierException or IOException or UnauthorizedAccessException)
        {
            tell($"the measured plan could not be saved and will be measured again: {e.Message}");
        }
        return plan;
    }

    /// <summary>The machine, this build, the libraries and the shape of the work: another one measures anew.</summary>
    private string Key()
    {
        object work = new
        {
            recipe.Model.Family, Config = recipe.Model.Config as object, recipe.Training.BatchSize,
                recipe.Training.ChosenPrecision, recipe.Training.Lora, recipe.Training.Freeze,
        };
        string shape = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(work)))[..12];
        return $"{Machine.Processor}, {ComputeDevice.ThreadsOf(recipe.Training.Threads)} threads, TorchSharp "
            + $"{typeof(torch).Assembly.GetName().Version}, "
            + $"Atelier {typeof(ExecutionPlanner).Module.ModuleVersionId}, {recipe.Model.Family} {shape}";
    }

    /// <summary>
    /// What a file holds; null where it is not there or was damaged, and then is measured and written anew.
    /// </summary>
    private static T? Read<T>(string path)
        where T : class
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), Json) : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
