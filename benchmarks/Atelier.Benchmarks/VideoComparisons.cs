using System.Diagnostics;
using Atelier.Abstractions;
using Atelier.Data.Video;
using Atelier.Models.Diffusion.Video;
using Atelier.Recipes;
using Atelier.Tasks.Video;
using Atelier.Tensors;

namespace Atelier.Benchmarks;

/// <summary>
/// Flow matching of clips of 16 frames of 32 × 32 beside PyTorch's: the same network, batch, update and sampler.
/// </summary>
internal static class VideoComparisons
{
    private const string Peers = "PyTorch, the best of fp32 and bf16 autocast, each with channels first and last";
    private const double Limit = 1.3;
    private const int BatchSize = 16, TrainSteps = 18, SampleTimes = 4, SamplerSteps = 10, Clips = 400;

    private static readonly VideoDiffusionConfig Network = new() { Conditional = true, Channels = [32, 64, 96] };

    public static IEnumerable<Comparison> All =>
    [
        new("train-video", $"train a space-time U-Net of 32, 64 and 96 channels, batch {BatchSize}; {Peers}", "clips/s",
            Limit, Train, Ways("train", TimedTraining.Steps(TrainSteps))) { Prepare = Prepare },
        new("sample-video", $"draw by that network, {SamplerSteps} steps of Heun; {Peers}", "clips/s", Limit, Sample,
            Ways("sample", SampleTimes)) { Prepare = Prepare },
    ];

    private static string Folder =>
        Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}", "moving-shapes");

    private static Measurement Train()
    {
        using var data = VideoData.Open(Folder);
        return TimedTraining.Run(new Recipe
        {
            Name = "video",
            Model = new ModelSection("video-diffusion", Network),
            Training = TimedTraining.Section(TimedTraining.Steps(TrainSteps)) with
            {
                BatchSize = BatchSize, Optimizer = new() { LearningRate = 2e-3, WeightDecay = 0 }, Ema = 0.998,
            },
        }, data);
    }

    private static Measurement Sample()
    {
        using var data = VideoData.Open(Folder);
        using var generator = new VideoGenerator(new VideoDiffusionModel(Network, data.Schema, Precision.Bf16, seed: 1))
        {
            Defaults = new SamplingDefaults { Sampler = "heun", Steps = SamplerSteps, Guidance = 1 },
        };
        var rates = new List<double>();
        for (int i = 0; i < SampleTimes; i++)
        {
            var watch = Stopwatch.StartNew();
            int drawn = generator.GenerateAsync(new GenerationRequest { Count = BatchSize, Seed = i + 1 })
                .ToBlockingEnumerable().Count();
            rates.Add(drawn / watch.Elapsed.TotalSeconds);
        }
        return new Measurement(Comparison.Median(rates.Skip(1)), Comparison.PeakMiB());
    }

    private static string[][] Ways(string work, int steps) =>
    [
        .. from precision in (string[])["bf16", "fp32"]
           from layout in (string[])["first", "last"]
           select (string[])["video.py", work, "--batch", $"{BatchSize}", "--steps", $"{steps}", "--precision",
               precision, "--layout", layout],
    ];

    private static void Prepare()
    {
        if (!Directory.Exists(Folder))
            VideoData.Prepare(new DataSection
            {
                Source = "world:moving-shapes", WorldDocuments = Clips,
                Split = new() { Train = 1, Validation = 0, Test = 0 },
            }, seed: 1, Folder).Dispose();
    }
}
