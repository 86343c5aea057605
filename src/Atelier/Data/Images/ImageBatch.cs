using static TorchSharp.torch;

namespace Atelier.Data.Images;

/// <summary>A batch of images.</summary>
/// <param name="Images">[batch, channels, height, width], fp32 from −1 (black) to 1.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record ImageBatch(Tensor Images, Tensor Labels)
    : ClassedBatch<ImageBatch>(Images, Labels)
{
    /// <summary>The images, [batch, channels, height, width].</summary>
    public Tensor Images => Values;

    private protected override ImageBatch With(Tensor values, Tensor labels) => new(values, labels);
}
