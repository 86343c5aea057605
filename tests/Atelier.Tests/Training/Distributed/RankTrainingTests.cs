using System.Runtime.InteropServices;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors.Ranks;
using Atelier.Training;

namespace Atelier.Tests.Training.Distributed;

/// <summary>The whole path of a training on several ranks, which are threads of this process.</summary>
[Collection(nameof(OneAtATime))]
public sealed class RankTrainingTests : IDisposable
{
    // Sums over ranks round in another order than sums over rows; 200 steps of AdamW let that grow to this much.
    private const float Rounding = 1e-4f;

    private const string Gpt = """
        model:
          family: gpt
          layerCount: 1
          headCount: 2
          hiddenSize: 16
          contextLength: 16
          dropout: 0
        """;

    private readonly WorkFolder _folder = new();
    private readonly Workshop _workshop;

    public RankTrainingTests()
    {
        _workshop = new Workshop(new WorkshopOptions { Home = At("home") });
        File.WriteAllText(At("sums.txt"),
            string.Join("\n\n", Enumerable.Range(0, 200).Select(i => $"{i} and {i + 7} make {(2 * i) + 7}.")));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Given_the_same_batches_when_1_2_and_4_ranks_train_a_GPT_then_the_weights_are_alike_to_rounding()
    {
        Dictionary<int, TrainingOutcome> outcomes = new();
        foreach (int ranks in (int[])[1, 2, 4])
            outcomes[ranks] = Train($"run{ranks}", ranks, Gpt, "steps: 200\n  ema: 0.9\n  evaluateEvery: 100");
        foreach (int ranks in (int[])[2, 4])
        {
            Difference("run1", $"run{ranks}").ShouldBeInRange(float.Epsilon, Rounding, $"{ranks} ranks");
            foreach (string metric in (string[])["trainingLoss", "validationLoss"])
                outcomes[ranks].Report.Metrics[metric].ShouldBe(outcomes[1].Report.Metrics[metric], 1e-4);
            File.ReadAllLines(At($"run{ranks}/metrics.jsonl")).Length.ShouldBe(20, "only the first rank writes");
        }
    }

    [Fact]
    public void Given_an_interruption_on_4_ranks_when_2_resume_then_the_weights_are_those_of_an_unbroken_run()
    {
        Train("whole", 1, Gpt, "steps: 60");
        Train("broken", 4, Gpt, "steps: 60", stopAfter: 20).Report.StopReason.ShouldBe("interrupted");
        TrainingOutcome resumed = Resume("broken", 2);
        resumed.Report.Steps.ShouldBe(60);
        Difference("whole", "broken").ShouldBeLessThan(Rounding);
    }

    [Fact]
    public void Given_accumulated_gradients_and_rows_that_do_not_divide_evenly_then_the_weights_are_alike_too()
    {
        const string Training = "steps: 20\n  gradientAccumulation: 2\n  batchSize: 7";
        Train("one", 1, Gpt, Training);
        Train("three", 3, Gpt, Training);
        Difference("one", "three").ShouldBeInRange(float.Epsilon, Rounding);
    }

    [Fact]
    public void Given_a_hidden_Markov_model_then_the_weights_on_1_2_and_3_ranks_are_equal_to_the_last_bit()
    {
        const string Hmm = "model:\n  family: hmm\n  stateCount: 3\n  restarts: 1\n  iterations: 12";
        foreach (int ranks in (int[])[1, 2, 3])
            Train($"hmm{ranks}", ranks, Hmm, training: null).Report.Steps.ShouldBe(12);
        foreach (int ranks in (int[])[2, 3])
            Difference("hmm1", $"hmm{ranks}").ShouldBe(0);
    }

    [Fact]
    public void A_family_that_counts_refuses_ranks() =>
        Should.Throw<AtelierException>(() => Train("counts", 2, "model:\n  family: ngram", training: null)).Message
            .ShouldContain("the family ngram does not train on several ranks");

    [Fact]
    public void Mistakes_of_the_job_are_reported_before_training()
    {
        Should.Throw<AtelierException>(() => Train("many", 9, Gpt, "steps: 2")).Message
            .ShouldContain("a batch of 8 rows cannot be divided among 9 ranks");
        Directory.Exists(At("many")).ShouldBeFalse();
    }

    private TrainingOutcome Train(string run, int size, string model, string? training, int? stopAfter = null)
    {
        string settings = training is null ? "" : $"""
            training:
              {(training.Contains("batchSize") ? "" : "batchSize: 8\n  ")}{training}
              reportEvery: 10
              sampleEvery: 0
              precision: fp32
              threads: 1
            """;
        File.WriteAllText(At("recipe.yaml"), $"""
            name: tiny
            data:
              source: {At("sums.txt")}
            {model}
            {settings}
            """);
        Recipe recipe = _workshop.ReadRecipe(At("recipe.yaml"));
        return Together(size, stopAfter, (options, stop) => _workshop.TrainAsync(recipe, options, stop), run);
    }

    private TrainingOutcome Resume(string run, int size) =>
        Together(size, stopAfter: null, (options, stop) => _workshop.ResumeAsync(options, stop), run);

    private TrainingOutcome Together(int size, int? stopAfter,
        Func<TrainingOptions, CancellationToken, Task<TrainingOutcome>> learn, string run)
    {
        TrainingOutcome Learn(RankJob? job)
        {
            using var stop = new CancellationTokenSource();
            var progress = new Stopper(stop, job is { Rank: > 0 } ? null : stopAfter);
            return learn(new TrainingOptions(At(run)) { Progress = progress, Ranks = job }, stop.Token)
                .GetAwaiter().GetResult();
        }

        return size == 1 ? Learn(null)
            : ThreadRanks.Run(size, ranks => Learn(new RankJob(ranks, "threads of a test")))[0];
    }

    /// <summary>The largest difference between two runs' weights.</summary>
    private float Difference(string one, string other)
    {
        (Dictionary<string, float[]> a, Dictionary<string, float[]> b) = (Weights(one), Weights(other));
        a.Keys.ShouldBe(b.Keys);
        a.Count.ShouldBeGreaterThan(1);
        return a.Max(tensor => tensor.Value.Zip(b[tensor.Key]).Max(pair => Math.Abs(pair.First - pair.Second)));
    }

    private Dictionary<string, float[]> Weights(string run)
    {
        using SafetensorsFile file = SafetensorsFile.Open(At($"{run}/bundle/model.safetensors"));
        return file.Entries.ToDictionary(entry => entry.Name, entry =>
        {
            var values = new float[entry.Shape.Aggregate(1L, (product, length) => product * length)];
            file.CopyTo(entry.Name, 0, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        });
    }

    private string At(string name) => Path.Combine(_folder.Path, name);

    private sealed class Stopper(CancellationTokenSource stop, int? after) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step >= after)
                stop.Cancel();
        }
    }
}
