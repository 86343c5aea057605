using static TorchSharp.torch;

namespace Atelier.Data.Text;

/// <summary>Rows of text to learn from: at each place the token that is there, and the one that comes next.</summary>
/// <param name="inputs">Token ids, [batch, time], int64, on the CPU. The batch owns it.</param>
/// <param name="targets">The token after each input, or <see cref="NotCounted"/>, [batch, time], int64, on the CPU. The batch owns it.</param>
public sealed class TextBatch(Tensor inputs, Tensor targets) : IDisposable
{
    /// <summary>The target of a place that does not count; cross-entropy passes over it (its ignore_index).</summary>
    public const long NotCounted = -100;

    /// <summary>Token ids, [batch, time], int64, on the CPU.</summary>
    public Tensor Inputs { get; } = inputs;

    /// <summary>The token after each input, or <see cref="NotCounted"/>, [batch, time], int64, on the CPU.</summary>
    public Tensor Targets { get; } = targets;

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
    }
}
