namespace Atelier.Tasks.Images;

/// <summary>A family whose models can learn to sample in fewer steps from a model that needs more.</summary>
public interface IStepDistillation
{
    /// <summary>The key of the recipe that sets the number of steps to learn, such as "model.distilledSteps".</summary>
    string StepsSetting { get; }
}
