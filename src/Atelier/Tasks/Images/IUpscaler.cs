using Atelier.Data.Images;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>A model that makes large images from small ones.</summary>
public interface IUpscaler
{
    /// <summary>What the small images have in common.</summary>
    ImageSchema Small { get; }

    /// <summary>The strength of the noise that small images are given which another model drew.</summary>
    double StrengthForDrawn { get; }

    /// <summary>The small images of large ones.</summary>
    /// <param name="images">[batch, channels, height, width].</param>
    Tensor Shrink(Tensor images);

    /// <summary>Small images enlarged by the filter alone.</summary>
    /// <param name="small">[batch, channels, height, width], of the small size.</param>
    Tensor Enlarge(Tensor small);
}
