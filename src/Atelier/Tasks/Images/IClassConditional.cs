namespace Atelier.Tasks.Images;

/// <summary>A family whose models can be conditioned on the class of an image.</summary>
public interface IClassConditional
{
    /// <summary>The change to a recipe that turns it on: "model.conditional=true".</summary>
    string ClassSetting { get; }
}
