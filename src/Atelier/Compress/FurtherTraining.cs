using Atelier.Recipes;

namespace Atelier.Compress;

/// <summary>How weights that are nearly where they belong are trained on, by the recipe of their run.</summary>
internal static class FurtherTraining
{
    private const int StepsOfWarmup = 10; // steps for one of warmup, at least

    /// <summary>Returns the training section for some more steps.</summary>
    /// <param name="training">The training section of the run.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="rateShare">The share of the learning rate.</param>
    public static TrainingSection Of(TrainingSection training, long steps, double rateShare) => training with
    {
        Steps = steps, Epochs = null, Minutes = null, Patience = 0,
        Optimizer = training.Optimizer with { LearningRate = training.Optimizer.LearningRate * rateShare },
        Schedule = training.Schedule with
        {
            WarmupSteps = Math.Min(training.Schedule.WarmupSteps, steps / StepsOfWarmup), DecaySteps = null,
        },
    };
}
