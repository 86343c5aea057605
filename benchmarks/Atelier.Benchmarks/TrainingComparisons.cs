using Atelier.Data.Text;
using Atelier.Decoders;
using Atelier.Models;
using Atelier.Models.Gpt;
using Atelier.Models.Layers;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Training;

namespace Atelier.Benchmarks;

/// <summary>Training beside PyTorch's, the same network, batch and update on the same text.</summary>
internal static class TrainingComparisons
{
    private const int Steps = 300;

    public static IEnumerable<Comparison> All =>
    [
        new("train-nanogpt", "train nanoGPT's CPU setting through the whole trainer; PyTorch, the best of bf16 autocast and fp32", "tokens/s", 1,
            TrainNanoGpt,
            [
                Peer("bf16"), [.. Peer("bf16"), "--foreach"], Peer("fp32"),
            ]),
    ];

    private static string[] Peer(string precision) =>
        ["train_gpt.py", "--precision", precision, "--steps", $"{Steps}", "--text", TextPath()];

    private static Measurement TrainNanoGpt()
    {
        var recipe = new Recipe
        {
            Name = "train-nanogpt",
            Data = new() { Source = TextPath(), Split = new() { Train = 0.9, Validation = 0.1, Test = 0 } },
            // nanoGPT's own shape: GPT-2's without biases, with the exact GELU.
            Model = new("gpt", new GptConfig { Bias = false, Activation = ActivationName.Gelu }),
            Training = new()
            {
                BatchSize = 12,
                Steps = Steps,
                Schedule = new() { Name = ScheduleName.Constant, WarmupSteps = 0 },
                EvaluateEvery = 0,
                EvaluationBatches = 1,
                SampleEvery = 0,
                CheckpointEvery = 0,
                ReportEvery = 10,
            },
        };
        string folder = Directory.CreateTempSubdirectory("atelier-benchmark-").FullName;
        try
        {
            using TextData data = TextData.Prepare(recipe.Data, recipe.Seed, Path.Combine(folder, "data"));
            using Run run = Run.Create(Path.Combine(folder, "run"), recipe);
            var told = new Reports();
            ModelFamilies.All.Single(f => f.Name == "gpt").CreateLearner(recipe, data)
                .LearnAsync(run, told, CancellationToken.None).GetAwaiter().GetResult();
            TrainingProgress[] timed = [.. told.All.Where(p => p.Step > Steps / 3 && p.ItemsPerSecond > 0)];
            return new Measurement(Comparison.Median(timed.Select(p => p.ItemsPerSecond!.Value)), Comparison.PeakMiB(),
                told.All.Where(p => p.Step > Steps - 50 && p.Loss is not null).Average(p => p.Loss));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The text of both sides; where the data folder is not named, both say that it is missing.</summary>
    private static string TextPath() =>
        Path.Combine(Environment.GetEnvironmentVariable("ATELIER_DATA") ?? "", "tinyshakespeare", "input.txt");

    private sealed class Reports : IProgress<TrainingProgress>
    {
        private readonly List<TrainingProgress> _all = [];

        public IReadOnlyList<TrainingProgress> All => _all;

        public void Report(TrainingProgress value) => _all.Add(value);
    }
}
