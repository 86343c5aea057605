using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// A layer of gated recurrent units, forward and backward: one product of the input for all steps, a product of the
/// state in each step, and one product for the gradient of each weight.
/// </summary>
/// <param name="layer">The recurrent layer.</param>
/// <param name="precision">The precision of its products.</param>
internal sealed unsafe class GruKernel(RecurrentLayer layer, Precision precision) : IKernelLayer
{
    private int Width => (int)layer.StateWeight.shape[1];

    /// <inheritdoc/>
    public bool Serves(Tensor x, KernelContext context) =>
        Width % Bf16.Lanes == 0 && KernelLayers.Serve(x, precision);

    /// <inheritdoc/>
    /// <remarks>It begins from the state zero.</remarks>
    public Tensor Forward(Tensor x, KernelContext context, Stack<Tensor>? kept) =>
        Forward(x, state: null, kept);

    /// <summary>The forward pass from a state.</summary>
    /// <param name="x">[batch, time, input].</param>
    /// <param name="state">The state before the first step, [1, batch, width]; null for zero.</param>
    /// <param name="kept">Receives the tensors that the backward pass needs; null without a backward pass.</param>
    public Tensor Forward(Tensor x, Tensor? state, Stack<Tensor>? kept)
    {
        using TimedOperation timed = TimedOperation.Begin("recurrent layer");
        using var scope = NewDisposeScope();
        (int batch, int time) = ((int)x.shape[0], (int)x.shape[1]);
        // time first, as in all tensors below: [time · batch, input]
        Tensor inputs = x.transpose(0, 1).to(ScalarType.BFloat16).reshape((long)time * batch, -1);
        Tensor gates = LinearKernel.Forward(inputs, layer.InputWeight, layer.InputBias); // [time · batch, 3 · width]
        // states before each step, and the last one
        Tensor states = empty([(time + 1L) * batch, Width], ScalarType.BFloat16);
        Tensor initial = states.narrow(0, 0, batch);
        if (state is null)
            initial.zero_();
        else
            initial.copy_(state.squeeze(0));
        Tensor inner = empty([(long)time * batch, Width], ScalarType.BFloat16);
        ushort* gate = gates.Pointer<ushort>(), step = states.Pointer<ushort>(), sum = inner.Pointer<ushort>();
        for (int t = 0; t < time; t++)
        {
            using var temporaries = NewDisposeScope();
            Tensor product = LinearKernel.Forward(states.narrow(0, (long)t * batch, batch), layer.StateWeight, null);
            long at = (long)t * batch * Width;
            new GruCell(Width).Forward(gate + (3 * at), product.Pointer<ushort>(), layer.StateBias.Pointer<float>(),
                step + at, step + at + ((long)batch * Width), sum + at, batch);
        }
        Tensor output = states.narrow(0, batch, (long)time * batch).view(time, batch, Width).transpose(0, 1)
            .contiguous();
        foreach (Tensor tensor in (ReadOnlySpan<Tensor>)[inputs, gates, states, inner])
            kept?.Push(tensor.DetachFromDisposeScope());
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, KernelContext context, Stack<Tensor> kept) =>
        Backward(gradient, kept, toState: false).Input;

    /// <summary>The backward pass: the gradients of the input and of the state before the first step.</summary>
    /// <param name="gradient">The gradient of the result.</param>
    /// <param name="kept">The tensors of the forward pass.</param>
    /// <param name="toState">Whether the gradient of the state is wanted; it is null otherwise.</param>
    public (Tensor Input, Tensor? State) Backward(Tensor gradient, Stack<Tensor> kept, bool toState)
    {
        using TimedOperation timed = TimedOperation.Begin("recurrent layer");
        using var scope = NewDisposeScope();
        using Tensor inner = kept.Pop(), states = kept.Pop(), gates = kept.Pop(), inputs = kept.Pop();
        (int batch, int time) = ((int)gradient.shape[0], (int)gradient.shape[1]);
        Tensor above = gradient.transpose(0, 1).contiguous(), carried = zeros(batch, Width),
            dStates = empty_like(gates);
        ushort* gate = gates.Pointer<ushort>(), dState = dStates.Pointer<ushort>();
        for (int t = time - 1; t >= 0; t--)
        {
            using var step = NewDisposeScope();
            long at = (long)t * batch * Width;
            new GruCell(Width).Backward(gate + (3 * at), inner.Pointer<ushort>() + at, states.Pointer<ushort>() + at,
                above.Pointer<ushort>() + at, carried.Pointer<float>(), dState + (3 * at), batch);
            if (t == 0 && !toState)
                break;
            LinearKernel.AddInputGradient(dStates.narrow(0, (long)t * batch, batch), layer.StateWeight, carried);
        }
        Tensor dGates = gates; // the kernel has replaced them
        LinearKernel.AddWeightGradients(dStates, states.narrow(0, 0, (long)time * batch), layer.StateWeight,
            layer.StateBias);
        LinearKernel.AddWeightGradients(dGates, inputs, layer.InputWeight, layer.InputBias);
        Tensor dInputs = LinearKernel.InputGradient(dGates, layer.InputWeight); // [time · batch, input]
        return (dInputs.view(time, batch, -1).transpose(0, 1).contiguous().MoveToOuterDisposeScope(),
            toState ? carried.view(1, batch, Width).MoveToOuterDisposeScope() : null);
    }
}
