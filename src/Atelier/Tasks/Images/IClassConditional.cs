namespace Atelier.Tasks.Images;

/// <summary>A family whose models can be conditioned on an image's class.</summary>
public interface IClassConditional
{
    /// <summary>The change to a recipe that turns it on: "model.conditional=true".</summary>
    string ClassSetting { get; }
}
