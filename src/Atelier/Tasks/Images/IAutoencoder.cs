using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>A model that puts images into latents and makes images of latents.</summary>
public interface IAutoencoder
{
    /// <summary>The latents of images, without drawing; in evaluation mode without gradients.</summary>
    /// <param name="images">[batch, channels, height, width], fp32, −1 to 1.</param>
    /// <param name="labels">[batch], int64; ignored by a model without classes.</param>
    /// <returns>[batch, size] or [batch, size, height, width], fp32.</returns>
    Tensor Encode(Tensor images, Tensor? labels);

    /// <summary>The expected images of latents; in evaluation mode without gradients.</summary>
    /// <param name="latents">As <see cref="Encode"/> gives them.</param>
    /// <param name="labels">As there.</param>
    /// <returns>[batch, channels, height, width], fp32, −1 to 1.</returns>
    Tensor Decode(Tensor latents, Tensor? labels);

    /// <summary>
    /// The classes to assume for images of unknown class, [batch], int64; null for a model without classes.
    /// </summary>
    /// <param name="images">As in <see cref="Encode"/>.</param>
    Tensor? Recognise(Tensor images);
}
