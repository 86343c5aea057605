using static TorchSharp.torch;

namespace Atelier.Data.Audio;

/// <summary>A batch of sounds.</summary>
/// <param name="Samples">[batch, channels, time], fp32, full scale from −1 to 1.</param>
/// <param name="Labels">[batch], int64; all 0 where there are no classes.</param>
public sealed record AudioBatch(Tensor Samples, Tensor Labels)
    : ClassedBatch<AudioBatch>(Samples, Labels)
{
    /// <summary>The samples, [batch, channels, time].</summary>
    public Tensor Samples => Values;

    private protected override AudioBatch With(Tensor values, Tensor labels) => new(values, labels);
}
