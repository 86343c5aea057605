using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Kernels;

/// <summary>
/// The factors of dropout, 0 or 1/(1 − share) (Srivastava et al. 2014). The factor of a number follows from the seed
/// and the number's index by a hash (Salmon et al. 2011 name such generators counter-based), so that the backward pass
/// needs no stored mask.
/// </summary>
/// <param name="share">The share of numbers that become 0; 0 keeps all.</param>
/// <param name="seed">The seed.</param>
internal readonly unsafe struct DropoutMask(double share, long seed)
{
    private const int Lanes = Bf16.Lanes;
    private readonly uint _low = (uint)seed, _high = (uint)(seed >> 32), _first = (uint)(share * uint.MaxValue);
    private readonly float _factor = (float)(1 / (1 - share));

    /// <summary>Whether any number becomes 0.</summary>
    public bool IsActive => _first > 0;

    /// <summary>Draws a seed from the random numbers of the training step.</summary>
    public static long DrawSeed()
    {
        using Tensor seed = empty(1, ScalarType.Int64).random_(0, 1L << 53, StepContext.Current.Random?.Generator);
        return seed.item<long>();
    }

    /// <summary>Writes the factors.</summary>
    /// <param name="factors">Receives them.</param>
    /// <param name="count">The number of factors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(float* factors, long count)
    {
        long i = 0;
        for (; i + Lanes <= count; i += Lanes)
            At(i).Store(factors + i);
        for (Vector512<float> last = At(i); i < count; i++)
            factors[i] = last[(int)(i % Lanes)];
    }

    /// <summary>sum = x + factors · y.</summary>
    /// <param name="x">fp32.</param>
    /// <param name="y">bf16.</param>
    /// <param name="sum">Receives the result, fp32.</param>
    /// <param name="count">How many numbers, a multiple of sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddTo(float* x, ushort* y, float* sum, long count)
    {
        for (long i = 0; i < count; i += Lanes)
            Vector512.FusedMultiplyAdd(Bf16.Load(y + i), At(i), Vector512.Load(x + i)).Store(sum + i);
    }

    /// <summary>to = factors · from, rounded to bf16.</summary>
    /// <param name="from">fp32.</param>
    /// <param name="to">Receives the result.</param>
    /// <param name="count">How many numbers, a multiple of sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Round(float* from, ushort* to, long count)
    {
        for (long i = 0; i < count; i += Lanes)
            Bf16.Store(to + i, Vector512.Load(from + i) * At(i));
    }

    /// <summary>
    /// The factors of sixteen numbers. The hash is the last step of MurmurHash3 (Appleby 2011), with a seed in it.
    /// </summary>
    /// <param name="index">The index of the first.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> At(long index)
    {
        Vector512<uint> hash = Vector512<uint>.Indices + Vector512.Create((uint)index + _low);
        hash = (hash ^ Vector512.ShiftRightLogical(hash, 16)) * Vector512.Create(0x85EBCA6Bu);
        hash = (hash ^ Vector512.ShiftRightLogical(hash, 13) ^ Vector512.Create(_high)) * Vector512.Create(0xC2B2AE35u);
        hash ^= Vector512.ShiftRightLogical(hash, 16);
        return Vector512.GreaterThanOrEqual(hash, Vector512.Create(_first)).AsSingle() & Vector512.Create(_factor);
    }
}
