using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>A model that encodes images as latents and decodes latents to images.</summary>
public interface IAutoencoder
{
    /// <summary>Whether the latents of an image are a grid rather than a vector.</summary>
    bool HasGrid { get; }

    /// <summary>Returns the expected latents of images. Called in evaluation mode without gradients.</summary>
    /// <param name="images">[batch, channels, height, width], fp32, −1 to 1.</param>
    /// <param name="labels">[batch], int64; ignored by a model without classes.</param>
    /// <returns>[batch, size] or [batch, size, height, width], fp32.</returns>
    Tensor Encode(Tensor images, Tensor? labels);

    /// <summary>Returns the expected images of latents. Called in evaluation mode without gradients.</summary>
    /// <param name="latents">Latents as <see cref="Encode"/> returns them.</param>
    /// <param name="labels">As in <see cref="Encode"/>.</param>
    /// <returns>[batch, channels, height, width], fp32, −1 to 1.</returns>
    Tensor Decode(Tensor latents, Tensor? labels);

    /// <summary>
    /// Returns the most probable classes of images, [batch], int64; null for a model without classes.
    /// </summary>
    /// <param name="images">As in <see cref="Encode"/>.</param>
    Tensor? Recognise(Tensor images);
}
