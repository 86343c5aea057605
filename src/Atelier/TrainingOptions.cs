using Atelier.Tensors.Profiling;
using Atelier.Training;

namespace Atelier;

/// <summary>Options for one session of training.</summary>
/// <param name="Folder">The folder of the run.</param>
public sealed record TrainingOptions(string Folder)
{
    /// <summary>Receives remarks (step 0) and the reports of training; may be called from another thread.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>
    /// The steps to profile; the report is available from it afterwards and in the run's folder <c>profile/</c>.
    /// </summary>
    public StepProfile? Profile { get; init; }
}
