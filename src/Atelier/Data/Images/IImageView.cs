using Atelier.Recipes;

namespace Atelier.Data.Images;

/// <summary>Data that models of images can learn from as images, such as the spectrograms of sounds.</summary>
internal interface IImageView
{
    /// <summary>Returns the data as images, which are disposed with the data.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <exception cref="AtelierException">The data cannot be shown as images in this way.</exception>
    ImageData AsImages(DataSection section);
}
