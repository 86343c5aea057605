using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Video;

/// <summary>
/// A transformer over the patches of all frames of a clip (DiT: Peebles and Xie 2023; over space and time: Brooks et
/// al. 2024): that of images, for which the frames stand one below the other. Frames that are given are inputs without
/// noise, marked by a further channel.
/// </summary>
internal sealed class VideoTransformer : DenoisingNetwork
{
    private readonly DiffusionTransformer _tall;

    /// <summary>Creates a network with new weights; its first predictions are zero.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shape">Channels, frames, height and width of clips or their latents.</param>
    /// <param name="classes">Number of classes; 0 for none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public VideoTransformer(VideoDiffusionConfig config, long[] shape, int classes, Precision precision,
        Generator random)
        : base(nameof(VideoTransformer))
    {
        var image = new DiffusionConfig
        {
            PatchSize = config.PatchSize, LayerCount = config.LayerCount, HeadCount = config.HeadCount,
            HiddenSize = config.HiddenSize,
        };
        _tall = new DiffusionTransformer(image, [shape[0] + 1, shape[1] * shape[2], shape[3]], (int)shape[0], classes,
            precision, random);
        RegisterComponents();
    }

    /// <summary>The prediction.</summary>
    /// <param name="x">As in <see cref="VideoUNet.Predict"/>.</param>
    /// <param name="times">The time of each clip, [batch], fp32.</param>
    /// <param name="labels">As in <see cref="DenoisingNetwork.Predict"/>.</param>
    /// <returns>[batch, channels, frames, height, width], fp32.</returns>
    public override Tensor Predict(Tensor x, Tensor times, Tensor? labels) =>
        _tall.Predict(x.flatten(2, 3), times, labels).unflatten(2, x.shape[2], x.shape[3]);
}
