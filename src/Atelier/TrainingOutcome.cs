using Atelier.Training;

namespace Atelier;

/// <summary>The result of a training session.</summary>
/// <param name="Folder">The folder of the run.</param>
/// <param name="Family">The family of the model.</param>
/// <param name="Report">The report of the session.</param>
public sealed record TrainingOutcome(string Folder, string Family, TrainingReport Report)
{
    /// <summary>The folder of the bundle. It may not exist if training was interrupted.</summary>
    public string BundleFolder => Path.Combine(Folder, "bundle");

    /// <summary>Whether training was cancelled, so that it can be resumed.</summary>
    public bool IsInterrupted => Report.StopReason == "interrupted";
}
