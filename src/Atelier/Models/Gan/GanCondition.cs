namespace Atelier.Models.Gan;

/// <summary>How both networks receive the class.</summary>
public enum GanCondition
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>
    /// The discriminator judges picture and class together, by a product of its features with the class's vector
    /// (Miyato and Koyama 2018, eq. 3).
    /// </summary>
    Projection,

    /// <summary>
    /// The discriminator also names the class, which both players want it to do well (Odena et al. 2017, eq. 2 and 3).
    /// </summary>
    Classifier,
}
