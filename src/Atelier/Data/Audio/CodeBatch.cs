using static TorchSharp.torch;

namespace Atelier.Data.Audio;

/// <summary>A batch of sounds as codes.</summary>
/// <param name="Codes">[batch, codebooks, frames], int64.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record CodeBatch(Tensor Codes, Tensor Labels)
    : ClassedBatch<CodeBatch>(Codes, Labels)
{
    /// <summary>The codes, [batch, codebooks, frames].</summary>
    public Tensor Codes => Values;

    private protected override CodeBatch With(Tensor values, Tensor labels) => new(values, labels);
}
