using Atelier.Tensors.Profiling;
using Atelier.Tensors.Ranks;
using Atelier.Training;

namespace Atelier;

/// <summary>Options for one session of training.</summary>
/// <param name="Folder">The folder of the run.</param>
public sealed record TrainingOptions(string Folder)
{
    /// <summary>Receives messages (step 0) and progress reports; may be called from another thread.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>
    /// The profile to take of some steps; null for none. Afterwards it holds the report, which is also written to the
    /// run's folder <c>profile/</c>.
    /// </summary>
    public StepProfile? Profile { get; init; }

    /// <summary>
    /// The job whose processes train the run together; null trains with this process alone. All ranks pass the same
    /// recipe and folder, which must be on a file system that they share.
    /// </summary>
    public RankJob? Ranks { get; init; }
}
