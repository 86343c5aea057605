using static TorchSharp.torch;

namespace Atelier.Data.Images;

/// <summary>Pictures to learn from at once.</summary>
/// <param name="Pictures">[batch, channels, height, width], fp32 from −1 (black) to 1.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record ImageBatch(Tensor Pictures, Tensor Labels) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Pictures.Dispose();
        Labels.Dispose();
    }
}
