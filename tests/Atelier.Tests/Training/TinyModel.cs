using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

/// <summary>
/// Tests that draw from the tensor library's one random generator, and so run with nothing beside them.
/// </summary>
[CollectionDefinition(nameof(OneAtATime), DisableParallelization = true)]
public sealed class OneAtATime;

/// <summary>Points and their heights.</summary>
internal sealed class PointBatch(Tensor x, Tensor y) : IDisposable
{
    public Tensor X { get; } = x;

    public Tensor Y { get; } = y;

    public void Dispose()
    {
        X.Dispose();
        Y.Dispose();
    }
}

/// <summary>Points on y = sin(x0) - x1 / 2, batch n a pure function of the seed and n.</summary>
internal sealed class PointBatches(long seed, int size = 16, long batches = 8) : IBatchSource<PointBatch>
{
    public long BatchesPerEpoch => batches;

    public long ItemsPerBatch => size;

    /// <summary>Called before a batch is made.</summary>
    public Action<long>? OnGet { get; init; }

    public PointBatch Get(long number)
    {
        OnGet?.Invoke(number);
        var random = new Random((int)((seed * 1000) + (number % batches)));
        float[] x = [.. Enumerable.Range(0, size * 2).Select(_ => (random.NextSingle() * 4) - 2)];
        float[] y = [.. Enumerable.Range(0, size).Select(i => MathF.Sin(x[2 * i]) - (x[(2 * i) + 1] / 2))];
        return new(tensor(x, [size, 2]), tensor(y, [size, 1]));
    }
}

/// <summary>Two layers with dropout between them, learning points by squared error.</summary>
internal sealed class TinyModel : GradientModel<PointBatch>
{
    private readonly Linear _first, _second;
    private readonly Dropout _dropout;

    public TinyModel(long seed = 1, double dropout = 0, int width = 16)
        : base("tiny")
    {
        random.manual_seed(seed);
        _first = nn.Linear(2, width);
        _second = nn.Linear(width, 1);
        _dropout = nn.Dropout(dropout);
        RegisterComponents();
        Objectives = [new("loss", Loss, [.. parameters()])];
    }

    public override IReadOnlyList<Objective<PointBatch>> Objectives { get; }

    /// <summary>Called at each loss with what it is, to spoil it.</summary>
    public Func<Tensor, Tensor>? OnLoss { get; init; }

    public override IReadOnlyDictionary<string, double> Evaluate(PointBatch batch)
    {
        using var scope = NewDisposeScope();
        return new Dictionary<string, double> { ["loss"] = Error(batch).ToDouble() };
    }

    public float[] Weights()
    {
        using var scope = NewDisposeScope();
        return [.. parameters().SelectMany(p => p.detach().cpu().flatten().data<float>().ToArray())];
    }

    private Tensor Loss(PointBatch batch) => OnLoss is null ? Error(batch) : OnLoss(Error(batch));

    private Tensor Error(PointBatch batch) =>
        nn.functional.mse_loss(_second.call(_dropout.call(_first.call(batch.X).tanh())), batch.Y);
}

/// <summary>A run in a temporary folder, and a learning in it with the trainer.</summary>
internal sealed class TinyRun : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("atelier-test-");

    public TinyRun(TrainingSection section) =>
        Run = Run.Create(_folder.FullName, new Recipe { Training = section with { Device = "cpu", Threads = 1 } });

    public Run Run { get; }

    public List<TrainingProgress> Told { get; } = [];

    public static TrainingSection Plain { get; } = new()
    {
        Steps = 30, ReportEvery = 1, EvaluateEvery = 0, SampleEvery = 0, CheckpointEvery = 0,
        Optimizer = new() { LearningRate = 0.01, WeightDecay = 0 },
        Schedule = new() { Name = ScheduleName.Constant, WarmupSteps = 0 },
    };

    public TrainingReport Learn(
        GradientModel<PointBatch> model,
        IBatchSource<PointBatch>? training = null,
        IBatchSource<PointBatch>? validation = null,
        TrainerHooks? hooks = null,
        CancellationToken cancellation = default)
    {
        var trainer = new Trainer<PointBatch>(Run.Recipe, model, training ?? new PointBatches(1), validation,
            hooks ?? new TrainerHooks { WriteBundle = _ => { } });
        return trainer.LearnAsync(Run, new Listener(Told), cancellation).GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        Run.Dispose();
        _folder.Delete(recursive: true);
    }

    private sealed class Listener(List<TrainingProgress> told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told.Add(value);
    }
}
