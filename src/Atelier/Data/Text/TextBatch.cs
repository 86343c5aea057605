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
/// <param name="positions">If rows hold several texts, the position of each token in its own text, −1 for padding,
/// [batch, time], int64, on the CPU; null if each row is one text. The batch owns this tensor.</param>
public sealed class TextBatch(Tensor inputs, Tensor targets, Tensor? positions = null)
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

    /// <summary>
    /// If rows hold several texts, the position of each token in its own text, −1 for padding, [batch, time], int64, on
    /// the CPU; null if each row is one text.
    /// </summary>
    public Tensor? Positions { get; } = positions;

    /// <inheritdoc/>
    public IReadOnlyList<(TextBatch Part, double Share)> Divide(int parts) =>
    [
        .. DivideRows(Targets, parts).Select(rows => (new TextBatch(Inputs.narrow(0, rows.From, rows.Count),
            Targets.narrow(0, rows.From, rows.Count), Positions?.narrow(0, rows.From, rows.Count)), rows.Share)),
    ];

    /// <summary>
    /// Divides the rows of targets into parts of about the same size, and leaves out parts in which no position counts.
    /// </summary>
    /// <param name="targets">Token ids or <see cref="NotCounted"/>, [batch, time], int64, on the CPU.</param>
    /// <param name="parts">The largest number of parts; at least 1.</param>
    /// <returns>The first row of each part, its number of rows, and its share of the positions that count.</returns>
    internal static IEnumerable<(long From, long Count, double Share)> DivideRows(Tensor targets, int parts)
    {
        long rows = targets.shape[0], time = targets.shape[1];
        long[] next = targets.data<long>().ToArray();
        long all = next.Length - (long)next.AsSpan().Count(NotCounted);
        parts = (int)Math.Min(parts, rows);
        for (int part = 0; part < parts; part++)
        {
            long from = rows * part / parts, count = (rows * (part + 1) / parts) - from;
            ReadOnlySpan<long> own = next.AsSpan((int)(from * time), (int)(count * time));
            int places = own.Length - own.Count(NotCounted);
            if (places > 0)
                yield return (from, count, (double)places / all);
        }
    }

    /// <summary>Copies sequences to rows that are filled up with padding.</summary>
    /// <returns>The ids, [batch, longest], int64, and true at padding, [batch, longest], bool, on the CPU.</returns>
    internal static (Tensor Ids, Tensor Padding) PaddedRows(IReadOnlyList<ReadOnlyMemory<int>> sequences)
    {
        int longest = sequences.Max(sequence => sequence.Length);
        long[] ids = new long[sequences.Count * longest];
        bool[] padding = new bool[ids.Length];
        for (int row = 0; row < sequences.Count; row++)
        {
            ReadOnlySpan<int> sequence = sequences[row].Span;
            for (int t = 0; t < longest; t++)
            {
                (padding[(row * longest) + t], ids[(row * longest) + t]) =
                    t < sequence.Length ? (false, sequence[t]) : (true, 0);
            }
        }
        return (tensor(ids, sequences.Count, longest), tensor(padding, sequences.Count, longest));
    }

    /// <inheritdoc/>
    public TextBatch Move(Func<Tensor, Tensor> move) =>
        new(move(Inputs), move(Targets), Positions?.clone());

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
        Positions?.Dispose();
    }
}
