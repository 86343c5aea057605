using Atelier.Data.Text;
using static TorchSharp.torch;

namespace Atelier.Data.Pairs;

/// <summary>
/// A batch of pairs: the sources, and at each position of the targets the decoder's input and the next token. The batch
/// owns its tensors, which must be on the CPU if it is to be divided.
/// </summary>
/// <param name="source">Token ids of the sources, [batch, span], int64.</param>
/// <param name="sourcePadding">True at the unused positions of the sources, [batch, span], bool.</param>
/// <param name="inputs">The start token and the target, [batch, time], int64.</param>
/// <param name="targets">The target and the end token, or <see cref="TextBatch.NotCounted"/>, [batch, time],
/// int64.</param>
public sealed class PairBatch(Tensor source, Tensor sourcePadding, Tensor inputs, Tensor targets)
    : IDivisibleBatch<PairBatch>, IMovableBatch<PairBatch>, IDisposable
{
    /// <summary>Token ids of the sources, [batch, span], int64.</summary>
    public Tensor Source { get; } = source;

    /// <summary>True at the unused positions of the sources, [batch, span], bool.</summary>
    public Tensor SourcePadding { get; } = sourcePadding;

    /// <summary>The inputs of the decoder: the start token, then the target, [batch, time], int64.</summary>
    public Tensor Inputs { get; } = inputs;

    /// <summary>
    /// The token after each input: the target, then the end token; <see cref="TextBatch.NotCounted"/> at unused
    /// positions. [batch, time], int64.
    /// </summary>
    public Tensor Targets { get; } = targets;

    /// <inheritdoc/>
    public IReadOnlyList<(PairBatch Part, double Share)> Divide(int parts) =>
    [
        .. TextBatch.DivideRows(Targets, parts).Select(rows =>
        {
            Tensor Part(Tensor tensor) => tensor.narrow(0, rows.From, rows.Count);
            return (new PairBatch(Part(Source), Part(SourcePadding), Part(Inputs), Part(Targets)), rows.Share);
        }),
    ];

    /// <inheritdoc/>
    public PairBatch Move(Func<Tensor, Tensor> move) =>
        new(move(Source), move(SourcePadding), move(Inputs), move(Targets));

    /// <inheritdoc/>
    public void Dispose()
    {
        Source.Dispose();
        SourcePadding.Dispose();
        Inputs.Dispose();
        Targets.Dispose();
    }
}
