using Atelier.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// ATen operators that TorchSharp does not bind, or binds only with its own weights, which could not be cast at each
/// step. They are called through TorchScript, which accepts any tensors. The script is compiled once, on first use.
/// </summary>
internal static class AtenOperators
{
    private static readonly jit.CompilationUnit Script = jit.compile("""
        def rms_norm(x, w, epsilon: float):
            return torch.rms_norm(x, [x.size(-1)], w, epsilon)
        def plain(x, h, c, w: List[Tensor]):
            y, h1 = torch.rnn_tanh(x, h, w, True, 1, 0.0, torch.is_grad_enabled(), False, True)
            return [y, h1]
        def lstm(x, h, c, w: List[Tensor]):
            y, h1, c1 = torch.lstm(x, [h, c], w, True, 1, 0.0, torch.is_grad_enabled(), False, True)
            return [y, h1, c1]
        def gru(x, h, c, w: List[Tensor]):
            y, h1 = torch.gru(x, h, w, True, 1, 0.0, torch.is_grad_enabled(), False, True)
            return [y, h1]

        """);

    /// <summary>RMS normalisation over the last dimension: x / √(mean(x²) + ε) · w.</summary>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon) =>
        (Tensor)Script.Run("rms_norm", x, weight, epsilon);

    /// <summary>
    /// Applies one recurrent layer to a batch of sequences, by the path that gives correct results on this machine.
    /// </summary>
    /// <param name="cell">The kind of cell.</param>
    /// <param name="x">[batch, time, input]: the inputs.</param>
    /// <param name="hidden">[1, batch, hidden]: the hidden state h before the first step.</param>
    /// <param name="memory">[1, batch, hidden]: for an LSTM, the cell state c before the first step; other cells ignore
    /// it.</param>
    /// <param name="weights">The input weights, the recurrent weights, the input biases and the recurrent biases, with
    /// the gates in PyTorch's order.</param>
    /// <returns>The outputs [batch, time, hidden], the last h, and for an LSTM the last c.</returns>
    public static Tensor[] Recur(CellName cell, Tensor x, Tensor hidden, Tensor memory, Tensor[] weights) =>
        Recur(cell, x, hidden, memory, weights, cell == CellName.Lstm && x.device_type == DeviceType.CPU
            ? CheckedOperators.Lstm(x.dtype, is_grad_enabled())
            : OperatorPath.Library);

    /// <summary>Applies one recurrent layer by a given path.</summary>
    public static Tensor[] Recur(
        CellName cell, Tensor x, Tensor hidden, Tensor memory, Tensor[] weights, OperatorPath path)
    {
        string name = cell switch { CellName.Lstm => "lstm", CellName.Gru => "gru", _ => "plain" };
        if (path == OperatorPath.AsInTraining)
        {
            using var training = enable_grad(); // nothing asks for gradients, so that none are recorded
            Tensor[] detached = [.. weights.Select(w => w.detach())];
            return Recur(cell, x.detach(), hidden.detach(), memory.detach(), detached, OperatorPath.Library);
        }
        if (path != OperatorPath.PaddedChannels)
            return (Tensor[])Script.Run(name, x, hidden, memory, weights);
        // States that start at zero and have zero weights stay zero: c = σ(0) · 0 + σ(0) · tanh(0).
        long width = hidden.shape[^1], gates = weights[2].shape[0] / width;
        Tensor Wide(Tensor w) => Blocks.Pad(w.unflatten(0, [gates, width]), 1).flatten(0, 1);
        Tensor[] wide =
            [Wide(Blocks.Pad(weights[0], 1)), Wide(Blocks.Pad(weights[1], 1)), Wide(weights[2]), Wide(weights[3])];
        (x, hidden, memory) = (Blocks.Pad(x, 2), Blocks.Pad(hidden, 2), Blocks.Pad(memory, 2));
        var results = (Tensor[])Script.Run(name, x, hidden, memory, wide);
        return [.. results.Select(y => y.shape[^1] == width ? y : y.narrow(-1, 0, width).contiguous())];
    }
}
