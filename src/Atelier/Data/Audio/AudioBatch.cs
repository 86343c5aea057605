using static TorchSharp.torch;

namespace Atelier.Data.Audio;

/// <summary>A batch of sounds.</summary>
/// <param name="Samples">[batch, channels, time], fp32, full scale from −1 to 1.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record AudioBatch(Tensor Samples, Tensor Labels)
    : IDivisibleBatch<AudioBatch>, IMovableBatch<AudioBatch>, IDisposable
{
    /// <inheritdoc/>
    public IReadOnlyList<(AudioBatch Part, double Share)> Divide(int parts)
    {
        long rows = Labels.shape[0];
        parts = (int)Math.Min(parts, rows);
        return [.. Enumerable.Range(0, parts).Select(part =>
        {
            long from = rows * part / parts, count = (rows * (part + 1) / parts) - from;
            return (new AudioBatch(Samples.narrow(0, from, count), Labels.narrow(0, from, count)),
                (double)count / rows);
        })];
    }

    /// <inheritdoc/>
    public AudioBatch Move(Func<Tensor, Tensor> move) => new(move(Samples), move(Labels));

    /// <inheritdoc/>
    public void Dispose()
    {
        Samples.Dispose();
        Labels.Dispose();
    }
}
