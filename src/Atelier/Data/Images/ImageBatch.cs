using static TorchSharp.torch;

namespace Atelier.Data.Images;

/// <summary>A batch of images.</summary>
/// <param name="Images">[batch, channels, height, width], fp32 from −1 (black) to 1.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record ImageBatch(Tensor Images, Tensor Labels)
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
            return (new ImageBatch(Images.narrow(0, from, count), Labels.narrow(0, from, count)),
                (double)count / rows);
        })];
    }

    /// <inheritdoc/>
    public ImageBatch Move(Func<Tensor, Tensor> move) => new(move(Images), move(Labels));

    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
    }
}
