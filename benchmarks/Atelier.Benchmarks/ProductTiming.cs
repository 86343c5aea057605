using System.Diagnostics;
using System.Globalization;
using Atelier.Kernels.Gemm;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Benchmarks;

/// <summary>
/// Products of bf16 matrices in the shapes of training, by our kernels and by the tensor library, one thread, by turns.
/// </summary>
internal static unsafe class ProductTiming
{
    private static readonly (string Work, int Rows, int Inputs, int Outputs)[] Shapes =
    [
        ("small GPT, queries, keys, values", 384, 128, 384), ("small GPT, output", 384, 128, 128),
            ("small GPT, feed-forward in", 384, 128, 512),
        ("small GPT, feed-forward out", 384, 512, 128), ("medium GPT, queries, keys, values", 1024, 384, 1152),
            ("medium GPT, output", 1024, 384, 384),
        ("medium GPT, feed-forward in", 1024, 384, 1536), ("medium GPT, feed-forward out", 1024, 1536, 384),
            ("GRU, inputs", 2048, 256, 1536),
        ("GRU, a step", 32, 512, 1536), ("GRU, head", 816, 512, 10_000),
    ];

    /// <summary>Prints GFLOP/s of y = x Wᵀ, dx = dy W and dW = dyᵀ x.</summary>
    public static void Run(int rounds)
    {
        if (!GemmMicrokernel.IsSupported)
            throw new AtelierException("products of our own need AVX512-BF16 on Linux", "this machine",
                "there is nothing to time");
        ComputeDevice.Configure(1);
        using var noGradients = no_grad();
        Console.WriteLine(
            "GFLOP/s of one thread, medians: y = x Wᵀ, dx = dy W, dW = dyᵀ x; ours, and the tensor library's");
        foreach ((string work, int rows, int inputs, int outputs) in Shapes)
        {
            using var scope = NewDisposeScope();
            Tensor x = randn(rows, inputs).to(ScalarType.BFloat16), w = randn(outputs, inputs),
                dy = randn(rows, outputs).to(ScalarType.BFloat16);
            Tensor rounded = w.to(ScalarType.BFloat16), y = empty_like(dy), dx = empty_like(x), dW = empty_like(w);
            using var panels = new WeightPanels(w);
            Action[] ways =
            [
                () => Bf16Product.Run(x.Pointer<ushort>(), inputs, panels.Forward, null, GemmOutput.Bf16,
                    y.Pointer<ushort>(), outputs, rows),
                () => x.mm(rounded.t()).Dispose(),
                () => Bf16Product.Run(dy.Pointer<ushort>(), outputs, panels.Backward, null, GemmOutput.Bf16,
                    dx.Pointer<ushort>(), inputs, rows),
                () => dy.mm(rounded).Dispose(),
                () => Bf16Product.RunTransposed(dy.Pointer<ushort>(), outputs, outputs, x.Pointer<ushort>(), inputs,
                    inputs, rows, GemmOutput.Single, dW.Pointer<float>()),
                () => dy.t().mm(x).Dispose(),
            ];
            double[] speeds = Speeds(ways, 2.0 * rows * inputs * outputs, rounds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{work,-34} {speeds[0],4:0} {speeds[1],4:0}   {speeds[2],4:0} {speeds[3],4:0}   {speeds[4],4:0} "
                    + $"{speeds[5],4:0}"));
        }
    }

    private static double[] Speeds(Action[] ways, double operations, int rounds)
    {
        var seconds = new List<double>[ways.Length];
        int repeats = (int)Math.Max(1, 4e9 / operations);
        for (int round = -1; round < rounds; round++) // one to warm up
        {
            for (int way = 0; way < ways.Length; way++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < repeats; i++)
                    ways[way]();
                if (round >= 0)
                    (seconds[way] ??= []).Add(Stopwatch.GetElapsedTime(start).TotalSeconds / repeats);
            }
        }
        return [.. seconds.Select(times => operations / Comparison.Median(times) / 1e9)];
    }
}
