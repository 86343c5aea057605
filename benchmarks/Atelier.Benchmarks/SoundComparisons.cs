using System.Diagnostics;
using Atelier.Data.Audio;
using Atelier.Models.AudioCodec;
using Atelier.Recipes;
using Atelier.Tensors;

namespace Atelier.Benchmarks;

/// <summary>A learned codec for sounds at 8 kHz beside PyTorch's: the same networks, losses and update.</summary>
internal static class SoundComparisons
{
    private const string Peers = "PyTorch, the better of fp32 and bf16 autocast";
    private const double Limit = 1.3;
    private const int BatchSize = 32, TrainSteps = 30, CodeTimes = 6, Sounds = 600, SoundSeconds = 30, Rate = 8000;

    private static readonly AudioCodecConfig Network = new() { Adversarial = false };

    public static IEnumerable<Comparison> All =>
    [
        new("train-codec", $"train a codec of 64, 128 and 256 channels without discriminators, clips of half a second, "
            + $"batch {BatchSize}; {Peers}", "clips/s", Limit, Train,
            Ways("train", TimedTraining.Steps(TrainSteps))) { Prepare = Prepare },
        new("code-sounds", $"code and decode a sound of {SoundSeconds} s by it; {Peers}", "s/s", Limit, Code,
            Ways("code", CodeTimes)),
    ];

    private static string Folder =>
        Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}", "sounds");

    private static Measurement Train()
    {
        using var data = AudioData.Open(Folder);
        return TimedTraining.Run(new Recipe
        {
            Name = "codec",
            Model = new ModelSection("audio-codec", Network),
            Training = TimedTraining.Section(TimedTraining.Steps(TrainSteps)) with
            {
                BatchSize = BatchSize, ClipNorm = 10,
                Optimizer = new()
                {
                    Name = OptimizerName.Adam, LearningRate = 1e-3, Beta1 = 0.8, Beta2 = 0.99, WeightDecay = 0,
                },
            },
        }, data);
    }

    private static Measurement Code()
    {
        var random = new Random(1);
        float[] sound = [.. Enumerable.Range(0, SoundSeconds * Rate).Select(_ => (float)(random.NextDouble() - 0.5))];
        using var codec = new LearnedCodec(new AudioCodecModel(Network,
            new AudioSchema(Rate, 1, Rate / 2, []), Precision.Bf16, seed: 1));
        var rates = new List<double>();
        for (int i = 0; i < CodeTimes; i++)
        {
            var watch = Stopwatch.StartNew();
            codec.Decode(codec.Encode([sound]), sound.Length);
            rates.Add(SoundSeconds / watch.Elapsed.TotalSeconds);
        }
        return new Measurement(Comparison.Median(rates.Skip(1)), Comparison.PeakMiB());
    }

    private static string[][] Ways(string work, int steps) =>
    [
        .. ((string[])["bf16", "fp32"]).Select(precision => (string[])["codec.py", work, "--batch", $"{BatchSize}",
            "--steps", $"{steps}", "--precision", precision]),
    ];

    private static void Prepare()
    {
        if (!Directory.Exists(Folder))
            AudioData.Prepare(new DataSection
            {
                Source = "world:sounds", WorldDocuments = Sounds,
                Split = new() { Train = 1, Validation = 0, Test = 0 },
            }, seed: 1, Folder).Dispose();
    }
}
