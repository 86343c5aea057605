using static TorchSharp.torch;

namespace Atelier.Data.Images;

/// <summary>Pictures to learn from at once.</summary>
/// <param name="Pictures">[batch, channels, height, width], fp32 from −1 (black) to 1.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record ImageBatch(Tensor Pictures, Tensor Labels)
    : IDivisibleBatch<ImageBatch>, IMovableBatch<ImageBatch>, IDisposable
{
    /// <inheritdoc/>
    public IReadOnlyList<(ImageBatch Part, double Share)> Divide(int parts)
    {
        long rows = Labels.shape[0];
        parts = (int)Math.Min(parts, rows);
        return [.. Enumerable.Range(0, parts).Select(part =>
        {
            long from = rows * part / parts, count = (rows * (part + 1) / parts) - from;
            return (new ImageBatch(Pictures.narrow(0, from, count), Labels.narrow(0, from, count)),
                (double)count / rows);
        })];
    }

    /// <inheritdoc/>
    public ImageBatch Move(Func<Tensor, Tensor> move) => new(move(Pictures), move(Labels));

    /// <inheritdoc/>
    public void Dispose()
    {
        Pictures.Dispose();
        Labels.Dispose();
    }
}
