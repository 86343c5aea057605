using static TorchSharp.torch;

namespace Atelier.Data.Video;

/// <summary>A batch of clips.</summary>
/// <param name="Frames">[batch, frames, channels, height, width], fp32, −1 to 1.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record VideoBatch(Tensor Frames, Tensor Labels)
    : ClassedBatch<VideoBatch>(Frames, Labels)
{
    /// <summary>The frames, [batch, frames, channels, height, width].</summary>
    public Tensor Frames => Values;

    private protected override VideoBatch With(Tensor values, Tensor labels) => new(values, labels);
}
