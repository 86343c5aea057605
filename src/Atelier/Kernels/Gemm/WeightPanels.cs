using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Kernels.Gemm;

/// <summary>
/// A weight W, [outputs, inputs], in bf16 as microkernels read it for the forward product, x Wᵀ, and the backward one,
/// dy W.
/// </summary>
internal sealed unsafe class WeightPanels : IDisposable
{
    private readonly float* _weight;
    private readonly int _outputs, _inputs;
    private readonly void* _memory;

    /// <summary>Rounds a weight.</summary>
    /// <param name="weight">fp32, in one piece, of an even number of inputs; it must outlive these.</param>
    public WeightPanels(Tensor weight)
    {
        (_outputs, _inputs) = ((int)weight.shape[0], (int)weight.shape[1]);
        _weight = weight.Pointer<float>();
        long forward = Panels.Size(_inputs, _outputs), back = Panels.Size(_outputs, _inputs);
        _memory = NativeMemory.AlignedAlloc((nuint)((forward + back) * sizeof(ushort)), 64);
        Forward = new Panels((nint)_memory, _inputs, Bf16.WholeRegisters(_outputs));
        Backward = new Panels((nint)_memory + (nint)(forward * sizeof(ushort)), _outputs, Bf16.WholeRegisters(_inputs));
        Refresh(0, 1);
    }

    /// <summary>Wᵀ, [inputs, outputs].</summary>
    public Panels Forward { get; }

    /// <summary>W, [outputs, inputs].</summary>
    public Panels Backward { get; }

    /// <summary>Rounds a share of the panels anew.</summary>
    /// <param name="member">Which, from 0.</param>
    /// <param name="members">Of how many.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Refresh(int member, int members)
    {
        for (int panel = member; panel < Forward.Count; panel += members)
        {
            int from = panel * Panels.Width, count = Math.Min(Panels.Width, _outputs - from);
            Packing.PairColumns(_weight + ((long)from * _inputs), _inputs, count, _inputs, Forward.Of(panel),
                Forward.ColumnsOf(panel));
        }
        for (int panel = member; panel < Backward.Count; panel += members)
        {
            int from = panel * Panels.Width, count = Math.Min(Panels.Width, _inputs - from);
            Packing.PairRows(_weight + from, _inputs, _outputs, count, Backward.Of(panel), Backward.ColumnsOf(panel));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_memory);
}
