using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// The norms of rows in fp32, in bf16 for a product after them or in fp32 for the residual stream: (x − m) s · w + b
/// with m the mean and s = 1/√(variance + ε) (Ba et al. 2016), or m = 0 and s = 1/√(mean(x²) + ε) (Zhang and Sennrich
/// 2019).
/// </summary>
/// <param name="width">The length of a row, a multiple of sixteen.</param>
/// <param name="epsilon">ε.</param>
/// <param name="centered">Whether the mean is taken off.</param>
internal readonly unsafe struct NormKernel(int width, float epsilon, bool centered)
{
    private const int Lanes = Bf16.Lanes;

    /// <summary>Normalises rows.</summary>
    /// <param name="x">[rows, width].</param>
    /// <param name="weight">w, [width].</param>
    /// <param name="bias">b, [width], or null.</param>
    /// <param name="y">Receives the result, [rows, width].</param>
    /// <param name="rows">The number of rows.</param>
    /// <typeparam name="T">float, or ushort for bf16.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward<T>(float* x, float* weight, float* bias, T* y, int rows)
        where T : unmanaged
    {
        for (int row = 0; row < rows; row++, x += width, y += width)
        {
            (Vector512<float> mean, Vector512<float> scale) = Statistics(x);
            for (int i = 0; i < width; i += Lanes)
            {
                Vector512<float> value = (Vector512.Load(x + i) - mean) * scale * Vector512.Load(weight + i);
                Bf16.StoreAs(y + i, bias is null ? value : value + Vector512.Load(bias + i));
            }
        }
    }

    /// <summary>
    /// Goes back: with n = (x − m) s and g = w · dy, dx = s (g − mean(g) − n · mean(g n)), the middle term only where
    /// the mean was taken off; it is added to the gradient that came past the layer.
    /// </summary>
    /// <param name="x">[rows, width], as it went in.</param>
    /// <param name="weight">w.</param>
    /// <param name="dy">The result's gradient, [rows, width].</param>
    /// <param name="past">A gradient to add, [rows, width]; or null.</param>
    /// <param name="dx">Takes the sum, [rows, width].</param>
    /// <param name="weightGradient">n · dy is added to it, [width].</param>
    /// <param name="biasGradient">dy is added to it, [width]; or null.</param>
    /// <param name="rows">The number of rows.</param>
    /// <typeparam name="T">The type of dy: float, or ushort for bf16.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward<T>(float* x, float* weight, T* dy, float* past, float* dx, float* weightGradient,
        float* biasGradient, int rows)
        where T : unmanaged
    {
        Vector512<float> share = Vector512.Create(1f / width);
        for (int row = 0; row < rows; row++, x += width, dy += width, dx += width)
        {
            (Vector512<float> mean, Vector512<float> scale) = Statistics(x);
            Vector512<float> sum = Vector512<float>.Zero, along = Vector512<float>.Zero; // of g, of g n
            for (int i = 0; i < width; i += Lanes)
            {
                Vector512<float> normed = (Vector512.Load(x + i) - mean) * scale, d = Bf16.LoadAs(dy + i);
                Vector512<float> g = d * Vector512.Load(weight + i);
                sum += g;
                along = Vector512.FusedMultiplyAdd(g, normed, along);
                Vector512.FusedMultiplyAdd(d, normed, Vector512.Load(weightGradient + i)).Store(weightGradient + i);
                if (biasGradient is not null)
                    (Vector512.Load(biasGradient + i) + d).Store(biasGradient + i);
            }
            Vector512<float> meanOfG = centered ? Vector512.Create(Vector512.Sum(sum)) * share : Vector512<float>.Zero;
            Vector512<float> meanAlong = Vector512.Create(Vector512.Sum(along)) * share;
            for (int i = 0; i < width; i += Lanes)
            {
                Vector512<float> normed = (Vector512.Load(x + i) - mean) * scale;
                Vector512<float> g = Bf16.LoadAs(dy + i) * Vector512.Load(weight + i);
                Vector512<float> d = scale * (g - meanOfG - (normed * meanAlong));
                (past is null ? d : d + Vector512.Load(past + ((long)row * width) + i)).Store(dx + i);
            }
        }
    }

    /// <summary>m and s of a row.</summary>
    private (Vector512<float> Mean, Vector512<float> Scale) Statistics(float* x)
    {
        Vector512<float> mean = Vector512<float>.Zero, squares = Vector512<float>.Zero;
        if (centered)
        {
            for (int i = 0; i < width; i += Lanes)
                mean += Vector512.Load(x + i);
            mean = Vector512.Create(Vector512.Sum(mean) / width);
        }
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> difference = Vector512.Load(x + i) - mean;
            squares = Vector512.FusedMultiplyAdd(difference, difference, squares);
        }
        return (mean, Vector512.Create(1 / MathF.Sqrt((Vector512.Sum(squares) / width) + epsilon)));
    }
}
