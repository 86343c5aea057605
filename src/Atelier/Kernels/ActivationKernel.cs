using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Networks;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>What stands between a feed-forward layer's products, over bf16 numbers, forward and back.</summary>
internal static unsafe class ActivationKernel
{
    private const int Lanes = Bf16.Lanes;

    /// <summary>Computes a = f(u); for SwiGLU a = silu(g) · r, with a row of u the gate g, then the rest r.</summary>
    /// <param name="name">Which function.</param>
    /// <param name="u">[rows, width], for SwiGLU [rows, 2 · width].</param>
    /// <param name="a">Takes the result, [rows, width].</param>
    /// <param name="rows">How many.</param>
    /// <param name="width">A multiple of sixteen.</param>
    public static void Forward(ActivationName name, ushort* u, ushort* a, int rows, int width)
    {
        switch (name)
        {
            case ActivationName.Gelu:
                Forward<GeluActivation>(u, a, (long)rows * width);
                break;
            case ActivationName.GeluTanh:
                Forward<GeluTanhActivation>(u, a, (long)rows * width);
                break;
            case ActivationName.Relu:
                Forward<ReluActivation>(u, a, (long)rows * width);
                break;
            case ActivationName.Silu:
                Forward<SiluActivation>(u, a, (long)rows * width);
                break;
            case ActivationName.SwiGlu:
                ForwardGate(u, a, rows, width);
                break;
            default:
                throw new InvalidEnumArgumentException(nameof(name), (int)name, typeof(ActivationName));
        }
    }

    /// <summary>Goes back, and computes a anew, which therefore need not be kept.</summary>
    /// <param name="name">Which function.</param>
    /// <param name="u">As it went in; its gradient takes its place.</param>
    /// <param name="da">The gradient of a, [rows, width]; a takes its place.</param>
    /// <param name="rows">How many.</param>
    /// <param name="width">A multiple of sixteen.</param>
    public static void Backward(ActivationName name, ushort* u, ushort* da, int rows, int width)
    {
        switch (name)
        {
            case ActivationName.Gelu:
                Backward<GeluActivation>(u, da, (long)rows * width);
                break;
            case ActivationName.GeluTanh:
                Backward<GeluTanhActivation>(u, da, (long)rows * width);
                break;
            case ActivationName.Relu:
                Backward<ReluActivation>(u, da, (long)rows * width);
                break;
            case ActivationName.Silu:
                Backward<SiluActivation>(u, da, (long)rows * width);
                break;
            case ActivationName.SwiGlu:
                BackwardGate(u, da, rows, width);
                break;
            default:
                throw new InvalidEnumArgumentException(nameof(name), (int)name, typeof(ActivationName));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<T>(ushort* u, ushort* a, long count)
        where T : struct, IActivation
    {
        for (long i = 0; i < count; i += Lanes)
            Bf16.Store(a + i, T.Value(Bf16.Load(u + i)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward<T>(ushort* u, ushort* da, long count)
        where T : struct, IActivation
    {
        for (long i = 0; i < count; i += Lanes)
        {
            (Vector512<float> value, Vector512<float> slope) = T.ValueAndSlope(Bf16.Load(u + i));
            Bf16.Store(u + i, Bf16.Load(da + i) * slope);
            Bf16.Store(da + i, value);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardGate(ushort* u, ushort* a, int rows, int width)
    {
        for (int row = 0; row < rows; row++, u += 2 * width, a += width)
        {
            for (int i = 0; i < width; i += Lanes)
                Bf16.Store(a + i, SiluActivation.Value(Bf16.Load(u + i)) * Bf16.Load(u + width + i));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardGate(ushort* u, ushort* da, int rows, int width)
    {
        for (int row = 0; row < rows; row++, u += 2 * width, da += width)
        {
            for (int i = 0; i < width; i += Lanes)
            {
                (Vector512<float> value, Vector512<float> slope) = SiluActivation.ValueAndSlope(Bf16.Load(u + i));
                Vector512<float> rest = Bf16.Load(u + width + i), d = Bf16.Load(da + i);
                Bf16.Store(u + i, d * rest * slope);
                Bf16.Store(u + width + i, d * value);
                Bf16.Store(da + i, value * rest);
            }
        }
    }
}
