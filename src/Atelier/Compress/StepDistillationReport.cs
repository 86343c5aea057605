using Atelier.Evaluation;

namespace Atelier.Compress;

/// <summary>The result of teaching a model to sample in fewer steps.</summary>
/// <param name="Run">The folder of the new run.</param>
/// <param name="Steps">The number of sampling steps that it needs.</param>
/// <param name="TrainingSeconds">How long it was trained.</param>
/// <param name="Before">The evaluation of the original model.</param>
/// <param name="After">The evaluation of the new model, on the same data.</param>
/// <param name="ImagesPerSecondBefore">The sampling speed of the original model on this machine, by its own
/// defaults.</param>
/// <param name="ImagesPerSecondAfter">The sampling speed of the new model.</param>
public sealed record StepDistillationReport(string Run, int Steps, double TrainingSeconds, EvaluationReport Before,
    EvaluationReport After, double ImagesPerSecondBefore, double ImagesPerSecondAfter);
