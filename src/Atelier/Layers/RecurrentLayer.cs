using Atelier.Layers.Fused;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// A recurrent layer. Its weights have the names, shapes and order of gates of PyTorch: input, forget, cell and output
/// of an LSTM; reset, update and new of a GRU. The weights are always fp32; in bf16 precision, the products take bf16
/// copies of them.
/// </summary>
public sealed class RecurrentLayer : nn.Module
{
    private readonly CellName _cell;
    private readonly Precision _precision;
    private readonly int _hiddenSize;
    private readonly GruKernel? _kernel;

    /// <summary>Draws all weights uniformly within ±1/√hiddenSize, as PyTorch does.</summary>
    /// <param name="cell">The kind of cell.</param>
    /// <param name="inputSize">The width of the input.</param>
    /// <param name="hiddenSize">The width of the state and of the output.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public RecurrentLayer(CellName cell, int inputSize, int hiddenSize, Precision precision, Generator random)
        : base(nameof(RecurrentLayer))
    {
        (_cell, _precision, _hiddenSize) = (cell, precision, hiddenSize);
        int gates = cell switch { CellName.Lstm => 4, CellName.Gru => 3, _ => 1 };
        double bound = 1 / Math.Sqrt(hiddenSize);
        Parameter Draw(params long[] shape) => new(empty(shape).uniform_(-bound, bound, random));
        InputWeight = Draw(gates * hiddenSize, inputSize);
        StateWeight = Draw(gates * hiddenSize, hiddenSize);
        InputBias = Draw(gates * hiddenSize);
        StateBias = Draw(gates * hiddenSize);
        _kernel = cell == CellName.Gru ? new GruKernel(this, precision) : null;
        register_parameter("weight_ih", InputWeight);
        register_parameter("weight_hh", StateWeight);
        register_parameter("bias_ih", InputBias);
        register_parameter("bias_hh", StateBias);
    }

    /// <summary>W, [gates · hidden, input].</summary>
    [field: ComponentName(Name = "weight_ih")]
    public Parameter InputWeight { get; }

    /// <summary>U, [gates · hidden, hidden].</summary>
    [field: ComponentName(Name = "weight_hh")]
    public Parameter StateWeight { get; }

    /// <summary>b, [gates · hidden].</summary>
    [field: ComponentName(Name = "bias_ih")]
    public Parameter InputBias { get; }

    /// <summary>c, [gates · hidden].</summary>
    [field: ComponentName(Name = "bias_hh")]
    public Parameter StateBias { get; }

    /// <summary>The state before the first position: zeros.</summary>
    /// <param name="batch">The number of sequences.</param>
    public RecurrentState EmptyState(long batch)
    {
        ScalarType type = _precision == Precision.Bf16 ? ScalarType.BFloat16 : InputWeight.dtype;
        Tensor zero = zeros([1, batch, _hiddenSize], type, InputWeight.device);
        return new RecurrentState(zero, zero);
    }

    /// <summary>Computes the layer for a batch of sequences.</summary>
    /// <param name="input">[batch, time, input].</param>
    /// <param name="cache">The state to continue from, which is updated; null begins from zeros.</param>
    /// <returns>The states at all positions, [batch, time, hidden], bf16 if that is the precision.</returns>
    public Tensor Forward(Tensor input, RecurrentCache? cache)
    {
        if (training && cache is null && _kernel?.Serves(input, KernelContext.None) == true)
            return KernelLayers.Run(input, [_kernel], KernelContext.None);
        (Tensor output, RecurrentState state) = Forward(input, cache?.State ?? EmptyState(input.shape[0]));
        cache?.Keep(state);
        return output;
    }

    /// <summary>Computes the layer for a batch of sequences.</summary>
    /// <param name="input">[batch, time, input].</param>
    /// <param name="state">The state to continue from.</param>
    /// <returns>The states at all positions, [batch, time, hidden], bf16 if that is the precision, and the last
    /// state.</returns>
    public (Tensor Output, RecurrentState State) Forward(Tensor input, RecurrentState state)
    {
        if (training && _kernel?.Serves(input, KernelContext.None) == true)
        {
            Tensor states = GruFromState.Run(input, state.Hidden, _kernel);
            Tensor last = states.narrow(1, states.shape[1] - 1, 1).transpose(0, 1);
            return (states, new RecurrentState(last, last));
        }
        TimedOperation timed = TimedOperation.Begin("recurrent layer", ref input);
        Tensor[] weights = [InputWeight, StateWeight, InputBias, StateBias];
        if (_precision == Precision.Bf16)
        {
            input = input.to(ScalarType.BFloat16);
            weights = [.. weights.Select(w => w.to(ScalarType.BFloat16))];
        }
        // libtorch's LSTM in bf16 is oneDNN's, 1.4 times as fast as one composed of operators; its GRU is no slower
        Tensor[] results = AtenOperators.Recur(_cell, input, state.Hidden, state.Cell, weights);
        return (timed.End(results[0]), new RecurrentState(results[1], results[^1]));
    }
}

/// <summary>The state of a recurrent layer.</summary>
/// <param name="Hidden">h, [1, batch, hidden].</param>
/// <param name="Cell">c of an LSTM, [1, batch, hidden]; h again for other cells.</param>
public sealed record RecurrentState(Tensor Hidden, Tensor Cell);
