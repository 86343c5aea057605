using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training.Optimizers;

/// <summary>
/// Sums the gradients of the copies of a model, and computes the norm of the sums. For fp32 on a CPU with AVX-512 this
/// takes one pass over the memory.
/// </summary>
internal static unsafe class GradientSums
{
    private const int Lanes = Bf16.Lanes;
    private const long Block = 2048; // a block of numbers stays in the first-level cache while all copies are added

    /// <summary>
    /// Returns whether managed kernels support tensors: contiguous fp32 on a CPU that has the instructions.
    /// </summary>
    public static bool Serves(IEnumerable<Tensor> tensors) => Bf16.IsSupported
        && tensors.All(t => t.device_type == DeviceType.CPU && t.dtype == ScalarType.Float32 && t.is_contiguous());

    /// <summary>Adds gradients to the gradients of the first copy in place, and returns the norm of the sums.</summary>
    /// <param name="sums">The gradients of the first copy, which become the sums.</param>
    /// <param name="others">The gradients of each other copy, with the same shapes.</param>
    /// <returns>√Σ g² over all numbers of the sums, a scalar.</returns>
    public static Tensor Add(Tensor[] sums, IReadOnlyList<Tensor[]> others)
    {
        if (!Serves(sums) || !others.All(Serves))
        {
            foreach (Tensor[] other in others)
                TensorScripts.Run("add", sums, other);
            return TensorScripts.Norm(sums);
        }
        double squares = 0;
        float** sources = stackalloc float*[others.Count];
        for (int i = 0; i < sums.Length; i++)
        {
            float* sum = sums[i].Pointer<float>();
            for (int copy = 0; copy < others.Count; copy++)
                sources[copy] = others[copy][i].Pointer<float>();
            long count = sums[i].numel();
            for (long from = 0; from < count; from += Block)
            {
                long size = Math.Min(Block, count - from);
                for (int copy = 0; copy < others.Count; copy++)
                    Add(sum + from, sources[copy] + from, size);
                squares += Squares(sum + from, size);
            }
        }
        return tensor((float)Math.Sqrt(squares));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(float* sum, float* other, long count)
    {
        long i = 0;
        for (; i + Lanes <= count; i += Lanes)
            (Vector512.Load(sum + i) + Vector512.Load(other + i)).Store(sum + i);
        for (; i < count; i++)
            sum[i] += other[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Squares(float* values, long count)
    {
        Vector512<float> first = Vector512<float>.Zero, second = Vector512<float>.Zero;
        long i = 0;
        for (; i + (2 * Lanes) <= count; i += 2 * Lanes)
        {
            Vector512<float> a = Vector512.Load(values + i), b = Vector512.Load(values + i + Lanes);
            first = Vector512.FusedMultiplyAdd(a, a, first);
            second = Vector512.FusedMultiplyAdd(b, b, second);
        }
        double sum = Vector512.Sum(first + second);
        for (; i < count; i++)
            sum += (double)values[i] * values[i];
        return sum;
    }
}
