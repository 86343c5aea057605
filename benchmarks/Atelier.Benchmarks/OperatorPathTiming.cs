using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Convolution = Atelier.Layers.Convolution;

namespace Atelier.Benchmarks;

/// <summary>
/// What the paths cost that serve where the tensor library's answers are wrong, by turns on the same machine: the path
/// that serves by itself ("checked") beside the tensor library as it is ("library") in sizes that it computes rightly
/// everywhere, and the path for machines where nothing can be corrected ("padded") beside the one that serves by
/// itself.
/// </summary>
internal static class OperatorPathTiming
{
    public const string Name = "operator-paths";

    private const string Variable = "ATELIER_OPERATOR_PATHS";
    private const double Limit = 0.85;
    private const int Batch = 64, Time = 64, Inputs = 256, Steps = 20;

    private static readonly (string Ours, string OurWork, string Peer, string PeerWork, string Unit)[] Pairs =
    [
        ("checked", "convolutions", "library", "convolutions", "steps/s"),
        ("padded", "train-vae", "checked", "train-vae", "pictures/s"),
        ("padded", "train-diffusion", "checked", "train-diffusion", "pictures/s"),
        ("checked", "lstm-512", "library", "lstm-512", "steps/s"),
        ("padded", "lstm-500", "library", "lstm-512", "steps/s"),
        ("padded", "lstm-scoring", "checked", "lstm-scoring", "steps/s"),
    ];

    /// <summary>Measures a work of single layers in this process; null where it is none.</summary>
    public static Measurement? Measure(string work)
    {
        using var random = new Generator(1, CPU);
        switch (work)
        {
            case "convolutions":
                Convolution[] all =
                [
                    new(16, 32, 3, 2, Precision.Bf16, random), new(32, 64, 3, 1, Precision.Bf16, random),
                    new(64, 96, 3, 2, Precision.Bf16, random), new(96, 96, 3, 1, Precision.Bf16, random),
                ];
                Tensor pictures = randn([Batch, 16, 32, 32], generator: random);
                return Rate(true, () => all.Aggregate(pictures, (x, layer) => layer.forward(x)));
            case "lstm-512" or "lstm-500" or "lstm-scoring":
                bool scores = work == "lstm-scoring";
                var layer = new RecurrentLayer(
                    CellName.Lstm, Inputs, work == "lstm-500" ? 500 : 512, scores ? Precision.Fp32
                        : Precision.Bf16, random);
                Tensor tokens = randn([Batch, Time, Inputs], generator: random);
                return Rate(!scores, () => layer.Forward(tokens, layer.EmptyState(Batch)).Output);
            default:
                return null;
        }
    }

    /// <summary>Measures all pairs by turns, and prints a JSON line for each.</summary>
    public static void Run(int rounds)
    {
        ImageComparisons.All.First(c => c.Name == "train-vae").Prepare();
        foreach ((string ours, string ourWork, string peer, string peerWork, string unit) in Pairs)
        {
            string name = $"{Name} {ours} {ourWork}, {peer} {peerWork}";
            List<double> our = [], other = [];
            for (int round = 1; round <= rounds; round++)
            {
                our.Add(By(ours, ourWork));
                other.Add(By(peer, peerWork));
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{name}, round {round}: {our[^1]:N1} and {other[^1]:N1} {unit}"));
            }
            (double low, double high) = Comparison.Spread([.. our], [.. other]);
            (double a, double b) = (Comparison.Median(our), Comparison.Median(other));
            Console.WriteLine(JsonSerializer.Serialize(
                new { name, ours = a, peer = b, ratio = a / b, low, high, unit, limit = Limit }));
        }
    }

    private static double By(string setting, string work)
    {
        // of the process that measures
        Environment.SetEnvironmentVariable(Variable, setting == "checked" ? null : setting);
        return Comparison.MeasureOurs(work).Value;
    }

    private static Measurement Rate(bool gradients, Func<Tensor> forward)
    {
        var rates = new List<double>();
        for (int step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            using var mode = set_grad_enabled(gradients);
            var watch = Stopwatch.StartNew();
            Tensor y = forward();
            if (gradients)
                y.@float().sum().backward();
            rates.Add(1 / watch.Elapsed.TotalSeconds);
        }
        return new Measurement(Comparison.Median(rates.Skip(Steps / 4)), Comparison.PeakMiB());
    }
}
