using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// An implementation of the kernels for a kind of processor. All give the same results up to rounding.
/// </summary>
internal abstract unsafe class KernelPath
{
    /// <summary>
    /// The implementations that this machine supports, the fastest first. The last one is plain code, which runs
    /// everywhere.
    /// </summary>
    public static IReadOnlyList<KernelPath> Supported { get; } = Find();

    /// <summary>The fastest implementation for this machine.</summary>
    public static KernelPath Best => Supported[0];

    /// <summary>The name: "avx512", "avx2-vnni", "avx2", "arm-dot", "arm", "sse" or "plain".</summary>
    public abstract string Name { get; }

    /// <summary>Computes y[t, r] = Σ W[r, c] x[t, c].</summary>
    /// <param name="w">The rows of weights.</param>
    /// <param name="x">The vectors, [vectors, columns]; read if the weights are not quantised.</param>
    /// <param name="bytes">The same vectors in 8 bits; read if the weights are blocked.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="y">The results; points to the first element of the first one.</param>
    /// <param name="yStride">Number of elements from one result to the next.</param>
    /// <param name="asAlone"> Whether the result of each vector is bit for bit that without the other vectors, which is
    /// slower for many vectors. </param>
    public abstract void Multiply(
        in ProductRows w, float* x, in ByteVectors bytes, int vectors, float* y, long yStride, bool asAlone);

    /// <summary>Number of rows of a panel that <see cref="MultiplyPacked"/> multiplies.</summary>
    public abstract int PanelRows { get; }

    /// <inheritdoc cref="PackedProducts{TLanes, TVector}.Multiply"/>
    public abstract void MultiplyPacked(in PackedRows w, int start, int end, float* bias, float* x, int vectors,
        float* y, long yStride);

    /// <summary>Whether there are kernels for the blocks of <see cref="FileBlocks"/> besides plain code.</summary>
    public abstract bool MultipliesGroups { get; }

    /// <summary>Quantises a vector to 8 bits.</summary>
    /// <param name="x">The vector.</param>
    /// <param name="columns">Number of elements, a multiple of 32.</param>
    /// <param name="to">Its first vector is filled.</param>
    public abstract void ToBytes(float* x, int columns, in ByteVectors to);

    /// <summary>Computes y = x / √(mean(x²) + ε) · w (Zhang and Sennrich 2019, eq. 4).</summary>
    public abstract void RmsNorm(float* x, float* weight, int size, float epsilon, float* y);

    /// <summary>Computes y = (x − mean) / √(variance + ε) · w + b (Ba et al. 2016); b may be null.</summary>
    public abstract void LayerNorm(float* x, float* weight, float* bias, int size, float epsilon, float* y);

    /// <summary>Computes y += x.</summary>
    public abstract void Add(float* x, int size, float* y);

    /// <summary>Computes y = factor · y.</summary>
    public abstract void Scale(float factor, int size, float* y);

    /// <summary>Computes y = x · y, element by element.</summary>
    public abstract void MultiplyBy(float* x, int size, float* y);

    /// <summary>Computes y = silu(gate) · y.</summary>
    public abstract void SwiGlu(float* gate, int size, float* y);

    /// <summary>Computes y = GELU(y), exactly or with the tanh approximation.</summary>
    public abstract void Gelu(int size, float* y, bool tanh);

    /// <summary>Computes y = max(y, 0).</summary>
    public abstract void Relu(int size, float* y);

    /// <summary>Computes y = 1 / (1 + exp(−y)).</summary>
    public abstract void Sigmoid(int size, float* y);

    /// <summary>Computes y = tanh(y).</summary>
    public abstract void Tanh(int size, float* y);

    /// <summary>Computes scores[j] = scale · q · keys[j].</summary>
    public abstract void Scores(float* query, float* keys, int count, int size, float scale, float* scores);

    /// <summary>Computes the softmax in place.</summary>
    public abstract void SoftMax(float* scores, int count);

    /// <summary>Computes y += Σ p[j] values[j], where p are the weights.</summary>
    public abstract void AddWeighted(float* weights, float* values, int count, int size, float* y);

    /// <summary>Computes scores[j] = scale · q · k[j] for keys that are part of tokens in different places.</summary>
    /// <param name="query">The query.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="offset">Number of elements from the beginning of a token to its key.</param>
    /// <param name="count">Number of tokens.</param>
    /// <param name="size">Number of elements of a key.</param>
    /// <param name="scale">The factor.</param>
    /// <param name="scores">Filled with the scores.</param>
    public abstract void ScoresAt(float* query, float** tokens, long offset, int count, int size, float scale,
        float* scores);

    /// <summary>Computes y = Σ p[j] v[j] for values that are part of tokens in different places.</summary>
    /// <param name="weights">The weights p.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="offset">Number of elements from the beginning of a token to its value.</param>
    /// <param name="count">Number of tokens.</param>
    /// <param name="size">Number of elements of a value.</param>
    /// <param name="y">Filled with the sum.</param>
    public abstract void MixAt(float* weights, float** tokens, long offset, int count, int size, float* y);

    /// <summary>Returns log Σ exp(x).</summary>
    public abstract double LogSumExp(float* x, int count);

    /// <summary>
    /// Returns the first index from <paramref name="from"/> on with x ≥ <paramref name="least"/>; count if there is
    /// none.
    /// </summary>
    public abstract int NextAtLeast(float* x, int from, int count, float least);

    private static List<KernelPath> Find()
    {
        var found = new List<KernelPath>();
        if (Avx512F.IsSupported && Avx512BW.IsSupported && Avx2.IsSupported)
        {
            found.Add(AvxVnni.IsSupported
                ? new VectorPath<Lanes512, Vector512<float>, Avx512Blocks<AvxVnniDot>>("avx512")
                : new VectorPath<Lanes512, Vector512<float>, Avx512Blocks<Avx2Dot>>("avx512"));
        }
        if (AvxVnni.IsSupported)
            found.Add(new VectorPath<Lanes256, Vector256<float>, Avx2Blocks<AvxVnniDot>>("avx2-vnni"));
        if (Avx2.IsSupported && Fma.IsSupported)
            found.Add(new VectorPath<Lanes256, Vector256<float>, Avx2Blocks<Avx2Dot>>("avx2"));
        if (Dp.IsSupported)
            found.Add(new VectorPath<Lanes128, Vector128<float>, ArmBlocks>("arm-dot"));
        if (Vector128.IsHardwareAccelerated)
            found.Add(new VectorPath<Lanes128, Vector128<float>, PlainBlocks>(AdvSimd.IsSupported ? "arm" : "sse"));
        found.Add(new VectorPath<PlainLanes, float, PlainBlocks>("plain"));
        return found;
    }
}
