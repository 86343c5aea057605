using Atelier.Decoders;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.Layers;

/// <summary>
/// ATen operators that TorchSharp does not bind, or binds only with weights of its own, which could not be cast at each
/// step. TorchScript reaches them with any tensors. Compiled once, on first use.
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

    /// <summary>x / √(mean(x²) + ε) · w over the last dimension.</summary>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon) =>
        (Tensor)Script.Run("rms_norm", x, weight, epsilon);

    /// <summary>One recurrent layer over [batch, time, input] from a state; gives the outputs, h, and for an LSTM c.</summary>
    public static Tensor[] Recur(CellName cell, Tensor x, RecurrentState state, Tensor[] weights) =>
        (Tensor[])Script.Run(
            cell switch { CellName.Lstm => "lstm", CellName.Gru => "gru", _ => "plain" },
            x, state.Hidden, state.Cell, weights);
}
