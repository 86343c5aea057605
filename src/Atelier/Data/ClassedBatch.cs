using static TorchSharp.torch;

namespace Atelier.Data;

/// <summary>A batch of examples with classes.</summary>
/// <typeparam name="TBatch">The type of the batch itself.</typeparam>
/// <param name="Values">The examples, [batch, …].</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public abstract record ClassedBatch<TBatch>(Tensor Values, Tensor Labels)
    : IDivisibleBatch<TBatch>, IMovableBatch<TBatch>, IDisposable
{
    /// <inheritdoc/>
    public IReadOnlyList<(TBatch Part, double Share)> Divide(int parts)
    {
        long rows = Labels.shape[0];
        parts = (int)Math.Min(parts, rows);
        return [.. Enumerable.Range(0, parts).Select(part =>
        {
            long from = rows * part / parts, count = (rows * (part + 1) / parts) - from;
            return (With(Values.narrow(0, from, count), Labels.narrow(0, from, count)), (double)count / rows);
        })];
    }

    /// <inheritdoc/>
    public TBatch Move(Func<Tensor, Tensor> move) => With(move(Values), move(Labels));

    /// <inheritdoc/>
    public void Dispose()
    {
        Values.Dispose();
        Labels.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Returns a batch of other examples.</summary>
    private protected abstract TBatch With(Tensor values, Tensor labels);
}
