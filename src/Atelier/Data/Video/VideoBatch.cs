using static TorchSharp.torch;

namespace Atelier.Data.Video;

/// <summary>A batch of clips.</summary>
/// <param name="Frames">[batch, frames, channels, height, width], fp32, −1 to 1.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record VideoBatch(Tensor Frames, Tensor Labels)
    : IDivisibleBatch<VideoBatch>, IMovableBatch<VideoBatch>, IDisposable
{
    /// <inheritdoc/>
    public IReadOnlyList<(VideoBatch Part, double Share)> Divide(int parts)
    {
        long rows = Labels.shape[0];
        parts = (int)Math.Min(parts, rows);
        return [.. Enumerable.Range(0, parts).Select(part =>
        {
            long from = rows * part / parts, count = (rows * (part + 1) / parts) - from;
            return (new VideoBatch(Frames.narrow(0, from, count), Labels.narrow(0, from, count)),
                (double)count / rows);
        })];
    }

    /// <inheritdoc/>
    public VideoBatch Move(Func<Tensor, Tensor> move) => new(move(Frames), move(Labels));

    /// <inheritdoc/>
    public void Dispose()
    {
        Frames.Dispose();
        Labels.Dispose();
    }
}
