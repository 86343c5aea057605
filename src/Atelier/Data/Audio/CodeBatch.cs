using static TorchSharp.torch;

namespace Atelier.Data.Audio;

/// <summary>A batch of sounds as codes.</summary>
/// <param name="Codes">[batch, codebooks, frames], int64.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record CodeBatch(Tensor Codes, Tensor Labels)
    : IDivisibleBatch<CodeBatch>, IMovableBatch<CodeBatch>, IDisposable
{
    /// <inheritdoc/>
    public IReadOnlyList<(CodeBatch Part, double Share)> Divide(int parts)
    {
        long rows = Labels.shape[0];
        parts = (int)Math.Min(parts, rows);
        return [.. Enumerable.Range(0, parts).Select(part =>
        {
            long from = rows * part / parts, count = (rows * (part + 1) / parts) - from;
            return (new CodeBatch(Codes.narrow(0, from, count), Labels.narrow(0, from, count)),
                (double)count / rows);
        })];
    }

    /// <inheritdoc/>
    public CodeBatch Move(Func<Tensor, Tensor> move) => new(move(Codes), move(Labels));

    /// <inheritdoc/>
    public void Dispose()
    {
        Codes.Dispose();
        Labels.Dispose();
    }
}
