using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// Decides how a training step is carried out (copies of the model, threads, the path of its layers): what the recipe says, else
/// what the run did before, else what was the fastest for this work on this machine, which is measured once and kept.
/// </summary>
/// <param name="recipe">The work.</param>
/// <param name="home">The folder that keeps what was measured.</param>
/// <param name="tell">Told what the user should know.</param>
internal sealed class ExecutionPlanner(Recipe recipe, string home, Action<string> tell)
{
    private const string RunFile = "execution.json", HomeFile = "execution-plans.json";
    private const int Rounds = 3;
    private const double Hopeless = 1.25; // times the best of the first round: another path than the usual one that takes longer is not timed again
    private const double Unusual = 1.15; // what another path than the usual one must gain: short timings differ by a tenth by themselves
    private const double SecondsPerTiming = 0.15;
    private const int StepsBefore = 3; // .NET compiles well what was met thirty times, when nothing new has been met for a while
    private static readonly TimeSpan BusyWait = TimeSpan.FromMilliseconds(250); // OpenMP's threads wait busily for up to 200 ms
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The plan of a run, which is written into its folder.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="canReplicate">Whether there can be several copies of the model.</param>
    /// <param name="time">Times a step as a plan says.</param>
    public ExecutionPlan Resolve(string runFolder, bool canReplicate, Func<ExecutionPlan, PlanTiming> time)
    {
        string runFile = Path.Combine(runFolder, RunFile);
        ExecutionPlan[] candidates = Candidates(canReplicate);
        ExecutionPlan plan = Read<ExecutionPlan>(runFile) is { } before && IsPossible(before, canReplicate) ? before
            : candidates.Length == 1 ? candidates[0]
            : Measured(candidates, time);
        AtomicFile.WriteText(runFile, JsonSerializer.Serialize(plan, Json));
        return plan;
    }

    /// <summary>Times a batch, the median of several, learned from as the replicas do; nothing is moved.</summary>
    public static PlanTiming Time<TBatch>(Replicas<TBatch> replicas, TBatch batch, long seed)
    {
        var seconds = new List<double>();
        for (int step = 0; step < StepsBefore; step++)
            Learn(replicas, batch, seed, step);
        Thread.Sleep(BusyWait); // .NET's compiler and the threads of the plan timed before would take this one's cores
        Learn(replicas, batch, seed, 0);
        var all = Stopwatch.StartNew();
        do
        {
            var watch = Stopwatch.StartNew();
            Learn(replicas, batch, seed, seconds.Count);
            seconds.Add(watch.Elapsed.TotalSeconds);
        }
        while (seconds.Count < 3 || all.Elapsed.TotalSeconds < SecondsPerTiming);
        replicas.Begin(0);
        seconds.Sort();
        return new PlanTiming(seconds[seconds.Count / 2], replicas.Ways.HasKernels, replicas.Ways.HasTiles, replicas.Ways.HasAttention);
    }

    private static void Learn<TBatch>(Replicas<TBatch> replicas, TBatch batch, long seed, long step)
    {
        using var scope = NewDisposeScope();
        replicas.Seed(seed, step);
        for (int turn = 0; turn < replicas.Turns[0].Count; turn++)
        {
            for (int repeat = 0; repeat < replicas.Turns[0][turn].Repeats; repeat++)
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
            throw new AtelierException("this model learns in one copy only", "training.replicas", "leave it out");
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

    private ExecutionPlan Measured(ExecutionPlan[] candidates, Func<ExecutionPlan, PlanTiming> time)
    {
        string path = Path.Combine(home, HomeFile), key = Key();
        Dictionary<string, ExecutionPlan> known = Read<Dictionary<string, ExecutionPlan>>(path) ?? [];
        if (known.TryGetValue(key, out ExecutionPlan? plan) && candidates.Contains(plan with { Layers = default }))
            return plan;
        // By turns, so that what else the machine does meanwhile falls on all alike; the least of each is without it.
        Dictionary<ExecutionPlan, double> best = FirstRound(candidates, time);
        ExecutionPlan[] promising = [.. best.Keys.Where(candidate => candidate.Layers == default || best[candidate] <= Hopeless * best.Values.Min())];
        for (int round = 1; round < Rounds && promising.Length > 1; round++)
        {
            foreach (ExecutionPlan candidate in promising)
                best[candidate] = Math.Min(best[candidate], time(candidate).Seconds);
        }
        plan = best.MinBy(timed => timed.Value * (timed.Key.Layers == default ? 1 : Unusual)).Key;
        known[key] = plan;
        try
        {
            Directory.CreateDirectory(home);
            AtomicFile.WriteText(path, JsonSerializer.Serialize(known, Json));
        }
        catch (Exception e) when (e is AtelierException or IOException or UnauthorizedAccessException)
        {
            tell($"what was measured cannot be kept and will be measured again: {e.Message}");
        }
        return plan;
    }

    /// <summary>Times each division of the work, and its other paths where the first one met a choice.</summary>
    private static Dictionary<ExecutionPlan, double> FirstRound(ExecutionPlan[] candidates, Func<ExecutionPlan, PlanTiming> time)
    {
        var seconds = new Dictionary<ExecutionPlan, double>();
        foreach (ExecutionPlan candidate in candidates)
        {
            PlanTiming timing = time(candidate);
            seconds[candidate] = timing.Seconds;
            if (timing.HasTiles)
            {
                ExecutionPlan library = candidate with { Layers = LayerPath.LibraryProducts };
                seconds[library] = time(library).Seconds;
            }
            if (timing.HasKernels)
            {
                ExecutionPlan composed = candidate with { Layers = LayerPath.Composed };
                timing = time(composed);
                seconds[composed] = timing.Seconds;
            }
            if (timing.HasAttention)
            {
                ExecutionPlan fused = candidate with { Layers = LayerPath.FusedAttention };
                seconds[fused] = time(fused).Seconds;
            }
        }
        return seconds;
    }

    /// <summary>The machine, this build, the libraries and the shape of the work: another one measures anew.</summary>
    private string Key()
    {
        object work = new
        {
            recipe.Model.Family, Config = recipe.Model.Config as object, recipe.Training.BatchSize, recipe.Training.Precision,
        };
        string shape = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(work)))[..12];
        return $"{Machine.Processor}, {ComputeDevice.ThreadsOf(recipe.Training.Threads)} threads, TorchSharp {typeof(torch).Assembly.GetName().Version}, "
            + $"Atelier {typeof(ExecutionPlanner).Module.ModuleVersionId}, {recipe.Model.Family} {shape}";
    }

    /// <summary>What a file holds; null where it is not there or was damaged, and then is measured and written anew.</summary>
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
