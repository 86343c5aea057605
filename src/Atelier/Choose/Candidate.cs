using Atelier.Recipes;
using Atelier.Tasks;

namespace Atelier.Choose;

/// <summary>A family with one of its variants, which may be recommended for the data.</summary>
/// <param name="Id">The name of its folder, such as "gpt-2".</param>
/// <param name="Family">The family.</param>
/// <param name="Variant">What differs from the advised recipe, such as "4 × 128, rate 0.001"; may be empty.</param>
/// <param name="Recipe">The recipe of its full training.</param>
internal sealed record Candidate(string Id, IModelFamily Family, string Variant, Recipe Recipe)
{
    private const int RoughBatches = 10;
    private const double WarmupShare = 0.1; // of a short training

    /// <summary>The name that people read, such as "gpt 4 × 128, rate 0.001".</summary>
    public string Name => Variant.Length == 0 ? Family.Name : $"{Family.Name} {Variant}";

    /// <summary>Whether it is trained in steps, so that it can be tried with fewer; others are trained whole.</summary>
    public bool TakesSteps => Family.TakesSteps;

    /// <summary>The number of steps of its full training.</summary>
    public long FullSteps => TakesSteps ? Recipe.Training.Steps ?? new TrainingSection().Steps!.Value : 1;

    /// <summary>
    /// Returns the recipe of a training of some length. Its learning rate falls over its own length: the losses of
    /// short trainings that have cooled down lie on one curve with that of the full training, and those in the middle
    /// of a schedule do not (Hoffmann et al. 2022, section 3.1). So a longer trial starts again.
    /// </summary>
    /// <param name="steps">The number of steps.</param>
    /// <param name="seconds">The longest time in seconds; null for no limit.</param>
    /// <param name="isEvaluated">Whether the model is evaluated afterwards, so that the training itself need not
    /// measure the validation loss precisely.</param>
    public Recipe Shortened(long steps, double? seconds, bool isEvaluated)
    {
        TrainingSection section = Recipe.Training;
        Recipe recipe = Recipe with { Training = section with { Precision = section.ChosenPrecision } };
        if (!TakesSteps)
            return recipe;
        long warmup = steps >= FullSteps ? section.Schedule.WarmupSteps
            : Math.Min(section.Schedule.WarmupSteps, (long)Math.Ceiling(WarmupShare * steps));
        return recipe with
        {
            Training = recipe.Training with
            {
                Steps = steps, Epochs = null, Minutes = seconds / 60, EvaluateEvery = 0, SampleEvery = 0,
                CheckpointEvery = 0,
                EvaluationBatches = isEvaluated ? RoughBatches : section.EvaluationBatches,
                ReportEvery = Math.Max(1, steps / 10),
                Schedule = section.Schedule with { WarmupSteps = warmup },
            },
        };
    }
}
