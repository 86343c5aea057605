using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Benchmarks;

/// <summary>The fastest matrix product there is on this machine: what a training step could not surpass.</summary>
internal static class Roofline
{
    private const int Size = 1024, Products = 40;

    /// <summary>FLOP/s of a bf16 product of two square matrices on all cores, the median of many.</summary>
    public static Measurement Measure()
    {
        using Tensor a = randn(Size, Size).to(ScalarType.BFloat16), b = randn(Size, Size).to(ScalarType.BFloat16);
        var seconds = new List<double>();
        for (int i = 0; i < Products; i++)
        {
            var watch = Stopwatch.StartNew();
            a.matmul(b).Dispose();
            seconds.Add(watch.Elapsed.TotalSeconds);
        }
        return new Measurement(2.0 * Size * Size * Size / Comparison.Median(seconds), Comparison.PeakMiB());
    }
}
