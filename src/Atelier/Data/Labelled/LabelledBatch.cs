using Atelier.Data.Text;
using static TorchSharp.torch;

namespace Atelier.Data.Labelled;

/// <summary>
/// A batch of sequences with the classes of their tokens, or with one class each. The batch owns its tensors, which
/// must be on the CPU if it is to be divided.
/// </summary>
/// <param name="inputs">Token ids, [batch, time], int64.</param>
/// <param name="padding">True at the unused positions, [batch, time], bool; null if there are none.</param>
/// <param name="targets">The class of each token, [batch, time], or of each sequence, [batch, 1], int64;
/// <see cref="TextBatch.NotCounted"/> for none.</param>
public sealed class LabelledBatch(Tensor inputs, Tensor? padding, Tensor targets)
    : IDivisibleBatch<LabelledBatch>, IMovableBatch<LabelledBatch>, IDisposable
{
    /// <summary>Token ids, [batch, time], int64.</summary>
    public Tensor Inputs { get; } = inputs;

    /// <summary>True at the unused positions, [batch, time], bool; null if there are none.</summary>
    public Tensor? Padding { get; } = padding;

    /// <summary>
    /// The class of each token, [batch, time], or of each sequence, [batch, 1], int64;
    /// <see cref="TextBatch.NotCounted"/> for none.
    /// </summary>
    public Tensor Targets { get; } = targets;

    /// <inheritdoc/>
    public IReadOnlyList<(LabelledBatch Part, double Share)> Divide(int parts) =>
    [
        .. TextBatch.DivideRows(Targets, parts).Select(rows => (new LabelledBatch(
            Inputs.narrow(0, rows.From, rows.Count), Padding?.narrow(0, rows.From, rows.Count),
            Targets.narrow(0, rows.From, rows.Count)), rows.Share)),
    ];

    /// <inheritdoc/>
    public LabelledBatch Move(Func<Tensor, Tensor> move) =>
        new(move(Inputs), Padding is null ? null : move(Padding), move(Targets));

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Padding?.Dispose();
        Targets.Dispose();
    }
}
