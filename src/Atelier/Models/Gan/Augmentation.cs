namespace Atelier.Models.Gan;

/// <summary>Changes of pictures that a gradient goes through (Zhao et al. 2020, appendix A).</summary>
public enum Augmentation
{
    /// <summary>Brightness, saturation and contrast.</summary>
    Colour,

    /// <summary>A shift of up to an eighth of the side; what comes in is zero.</summary>
    Translation,

    /// <summary>A square of half the side becomes zero.</summary>
    Cutout,
}
