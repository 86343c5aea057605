using Atelier.Data.Images;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>A model that makes large images from small ones.</summary>
public interface IUpscaler
{
    /// <summary>What the small pictures have in common.</summary>
    ImageSchema Small { get; }

    /// <summary>The strength of the noise that small pictures are given which another model drew.</summary>
    double StrengthForDrawn { get; }

    /// <summary>The small pictures of large ones.</summary>
    /// <param name="pictures">[batch, channels, height, width].</param>
    Tensor Shrink(Tensor pictures);

    /// <summary>Small pictures enlarged by the filter alone.</summary>
    /// <param name="small">[batch, channels, height, width], of the small size.</param>
    Tensor Enlarge(Tensor small);
}
