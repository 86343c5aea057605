using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Tensors;

namespace Atelier.Training.Optimizers;

/// <summary>
/// One step of Adam in fp32, in one pass over the memory (Kingma and Ba 2015, algorithm 1). With the gradient g, which
/// is first multiplied by a factor: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
/// w ← w − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε). Weight decay is added to the gradient, or is decoupled from
/// it: w ← w − rate · decay · w (Loshchilov and Hutter 2019, algorithm 2).
/// </summary>
internal readonly unsafe struct AdamKernel
{
    private const int Lanes = Bf16.Lanes;
    private readonly Vector512<float> _factor, _meanUpdate, _squareDecay, _squareUpdate, _rate, _rootScale, _epsilon,
        _coupledDecay, _weightScale;

    /// <summary>Creates the kernel of a step.</summary>
    /// <param name="factor">The factor to multiply gradients by, for clipping.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="beta1">β₁.</param>
    /// <param name="beta2">β₂.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="decay">The weight decay.</param>
    /// <param name="decoupled">Whether weight decay is decoupled from the gradient, as in AdamW.</param>
    /// <param name="step">The step t, from 1.</param>
    public AdamKernel(float factor, double rate, double beta1, double beta2, double epsilon, double decay,
        bool decoupled, double step)
    {
        _factor = Vector512.Create(factor);
        _meanUpdate = Vector512.Create((float)(1 - beta1));
        _squareDecay = Vector512.Create((float)beta2);
        _squareUpdate = Vector512.Create((float)(1 - beta2));
        _rate = Vector512.Create((float)(rate / (1 - Math.Pow(beta1, step))));
        _rootScale = Vector512.Create((float)(1 / Math.Sqrt(1 - Math.Pow(beta2, step))));
        _epsilon = Vector512.Create((float)epsilon);
        _coupledDecay = Vector512.Create(decoupled ? 0 : (float)decay);
        _weightScale = Vector512.Create(decoupled ? (float)(1 - (rate * decay)) : 1);
    }

    /// <summary>Updates weights. The result for a weight does not depend on its position.</summary>
    /// <param name="weights">The weights w.</param>
    /// <param name="gradients">The gradients g.</param>
    /// <param name="means">The running means m.</param>
    /// <param name="squares">The running means of squares v.</param>
    /// <param name="rounded">Receives w in bf16; may be null.</param>
    /// <param name="count">The number of weights.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Move(float* weights, float* gradients, float* means, float* squares, ushort* rounded, long count)
    {
        long i = 0;
        for (; i + Lanes <= count; i += Lanes)
        {
            Vector512<float> moved = MoveSixteen(weights + i, gradients + i, means + i, squares + i);
            if (rounded is not null)
                Bf16.Store(rounded + i, moved);
        }
        if (i == count)
            return;
        float* rest = stackalloc float[4 * Lanes]; // the last numbers, padded to whole registers
        float*[] all = [weights + i, gradients + i, means + i, squares + i];
        var size = (int)(count - i);
        new Span<float>(rest, 4 * Lanes).Clear();
        for (int part = 0; part < all.Length; part++)
            new Span<float>(all[part], size).CopyTo(new Span<float>(rest + (part * Lanes), size));
        MoveSixteen(rest, rest + Lanes, rest + (2 * Lanes), rest + (3 * Lanes));
        for (int part = 0; part < all.Length; part++)
            new Span<float>(rest + (part * Lanes), size).CopyTo(new Span<float>(all[part], size));
        if (rounded is not null)
            Bf16.Round(weights + i, rounded + i, size);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<float> MoveSixteen(float* weights, float* gradients, float* means, float* squares)
    {
        Vector512<float> w = Vector512.Load(weights), m = Vector512.Load(means);
        Vector512<float> g = Vector512.FusedMultiplyAdd(_coupledDecay, w, Vector512.Load(gradients) * _factor);
        m = Vector512.FusedMultiplyAdd(_meanUpdate, g - m, m);
        Vector512<float> v = Vector512.FusedMultiplyAdd(_squareUpdate, g * g, Vector512.Load(squares) * _squareDecay);
        m.Store(means);
        v.Store(squares);
        Vector512<float> root = Vector512.FusedMultiplyAdd(Vector512.Sqrt(v), _rootScale, _epsilon);
        w = (w * _weightScale) - (_rate * m / root);
        w.Store(weights);
        return w;
    }
}
