using System.Diagnostics;
using Atelier.Kernels;
using Atelier.Kernels.Gemm;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Benchmarks;

/// <summary>
/// The fastest matrix product there is on this machine, the tensor library's or ours: what a training step could not
/// surpass.
/// </summary>
internal static class Roofline
{
    private const int Size = 1024, Products = 40;

    /// <summary>FLOP/s of a bf16 product of two square matrices on all cores, the median of many.</summary>
    public static Measurement Measure()
    {
        using Tensor a = randn(Size, Size).to(ScalarType.BFloat16), b = randn(Size, Size).to(ScalarType.BFloat16);
        double seconds = Median(() => a.matmul(b).Dispose());
        if (GemmMicrokernel.IsSupported)
            seconds = Math.Min(seconds, Ours());
        return new Measurement(2.0 * Size * Size * Size / seconds, Comparison.PeakMiB());
    }

    /// <summary>Seconds of ours, each core with its share of the rows.</summary>
    private static unsafe double Ours()
    {
        using Tensor x = randn(Size, Size).to(ScalarType.BFloat16), w = randn(Size, Size), y = empty_like(x);
        using var panels = new WeightPanels(w);
        using var team = new WorkerTeam(Environment.ProcessorCount, () => { });
        return Median(() => team.Run(member =>
        {
            int from = Size * member / team.Size, rows = (Size * (member + 1) / team.Size) - from;
            Bf16Product.Run(x.Pointer<ushort>() + (from * Size), Size, panels.Forward, null, GemmOutput.Bf16,
                y.Pointer<ushort>() + (from * Size), Size, rows);
        }));
    }

    private static double Median(Action multiply)
    {
        var seconds = new List<double>();
        for (int i = 0; i < Products; i++)
        {
            long start = Stopwatch.GetTimestamp();
            multiply();
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return Comparison.Median(seconds);
    }
}
