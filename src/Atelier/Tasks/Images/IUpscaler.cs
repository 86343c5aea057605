using Atelier.Data.Images;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>A model that makes large images from small ones.</summary>
public interface IUpscaler
{
    /// <summary>The size, channels and classes of the small images.</summary>
    ImageSchema Small { get; }

    /// <summary>The strength of the noise that is added to small images that another model generated.</summary>
    double StrengthForDrawn { get; }

    /// <summary>Shrinks large images.</summary>
    /// <param name="images">[batch, channels, height, width].</param>
    Tensor Shrink(Tensor images);

    /// <summary>Enlarges small images by the filter alone.</summary>
    /// <param name="small">[batch, channels, height, width], of the small size.</param>
    Tensor Enlarge(Tensor small);
}
