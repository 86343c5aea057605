using Atelier.Layers.Fused;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// One recurrent layer. Names, shapes and gate order of its weights are PyTorch's: LSTM input, forget, cell, output;
/// GRU
/// reset, update, new. The weights are fp32; with bf16 precision the kernel takes bf16 copies of them.
/// </summary>
public sealed class RecurrentLayer : nn.Module
{
    private readonly CellName _cell;
    private readonly Precision _precision;
    private readonly int _hiddenSize;
    private readonly GruKernel? _kernel;

    /// <summary>Draws all weights uniformly within ±1/√hiddenSize, as PyTorch does.</summary>
    /// <param name="cell">The kind of cell.</param>
    /// <param name="inputSize">The width of what comes in.</param>
    /// <param name="hiddenSize">The width of the state and of what goes out.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">Draws the weights.</param>
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
        _kernel = cell == CellName.Gru ? new GruKernel(this) : null;
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

    /// <summary>The state before anything was read: h and, for an LSTM, c, both zero.</summary>
    /// <param name="batch">Sequences side by side.</param>
    public RecurrentState EmptyState(long batch)
    {
        ScalarType type = _precision == Precision.Bf16 ? ScalarType.BFloat16 : InputWeight.dtype;
        Tensor zero = zeros([1, batch, _hiddenSize], type, InputWeight.device);
        return new RecurrentState(zero, zero);
    }

    /// <summary>Reads a sequence from a zero state, in training; does not return the last state.</summary>
    /// <param name="input">[batch, time, input].</param>
    /// <returns>[batch, time, hidden], bf16 with that precision.</returns>
    public Tensor ForwardTraining(Tensor input) =>
        _kernel is { Serves: true } kernel && KernelLayers.Serve(input, _precision)
        ? KernelLayers.Run(input, [kernel])
        : Forward(input, EmptyState(input.shape[0])).Output;

    /// <summary>Reads a sequence.</summary>
    /// <param name="input">[batch, time, input].</param>
    /// <param name="state">The state to begin from.</param>
    /// <returns>The states after each place [batch, time, hidden], bf16 with that precision, and the last
    /// state.</returns>
    public (Tensor Output, RecurrentState State) Forward(Tensor input, RecurrentState state)
    {
        TimedOperation timed = TimedOperation.Begin("recurrent layer", ref input);
        Tensor[] weights = [InputWeight, StateWeight, InputBias, StateBias];
        if (_precision == Precision.Bf16)
        {
            input = input.to(ScalarType.BFloat16);
            weights = [.. weights.Select(w => w.to(ScalarType.BFloat16))];
        }
        // libtorch's LSTM in bf16 is oneDNN's fused one: 1.4 times as fast as one composed here, and its GRU no slower.
        Tensor[] results = AtenOperators.Recur(_cell, input, state.Hidden, state.Cell, weights);
        return (timed.End(results[0]), new RecurrentState(results[1], results[^1]));
    }
}

/// <summary>What a recurrent layer carries from one place to the next.</summary>
/// <param name="Hidden">h, [1, batch, hidden].</param>
/// <param name="Cell">An LSTM's c, [1, batch, hidden]; elsewhere h again.</param>
public sealed record RecurrentState(Tensor Hidden, Tensor Cell);
