using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Atelier.Data.Text;

/// <summary>
/// A batch of text: at each position, the input token and the token to predict. That is the next token, or in masked
/// language modelling the original token of a position that was masked.
/// </summary>
/// <param name="inputs">Token ids, [batch, time], int64. The batch owns this tensor. It must be on the CPU if the batch
/// is to be divided.</param>
/// <param name="targets">The token to predict, or <see cref="NotCounted"/>, [batch, time], int64, on the same device.
/// The batch owns this tensor.</param>
public sealed class TextBatch(Tensor inputs, Tensor targets)
    : IDivisibleBatch<TextBatch>, IMovableBatch<TextBatch>, IDisposable
{
    /// <summary>
    /// The target of a position that does not count. Cross-entropy ignores it, as PyTorch's ignore_index.
    /// </summary>
    public const long NotCounted = -100;

    /// <summary>Token ids, [batch, time], int64.</summary>
    public Tensor Inputs { get; } = inputs;

    /// <summary>The token to predict at each position, or <see cref="NotCounted"/>, [batch, time], int64.</summary>
    public Tensor Targets { get; } = targets;

    /// <inheritdoc/>
    public IReadOnlyList<(TextBatch Part, double Share)> Divide(int parts)
    {
        long rows = Inputs.shape[0];
        ReadOnlySpan<long> next = MemoryMarshal.Cast<byte, long>(Targets.bytes);
        long all = next.Length - (long)next.Count(NotCounted);
        parts = (int)Math.Min(parts, rows);
        var divided = new List<(TextBatch, double)>();
        for (int part = 0; part < parts; part++)
        {
            long from = rows * part / parts, count = (rows * (part + 1) / parts) - from;
            Tensor own = Targets.narrow(0, from, count);
            ReadOnlySpan<long> counted = MemoryMarshal.Cast<byte, long>(own.bytes);
            int places = counted.Length - counted.Count(NotCounted);
            if (places > 0)
                divided.Add((new(Inputs.narrow(0, from, count), own), (double)places / all));
        }
        return divided;
    }

    /// <inheritdoc/>
    public TextBatch Move(Func<Tensor, Tensor> move) => new(move(Inputs), move(Targets));

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
    }
}
