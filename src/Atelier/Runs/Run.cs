using Atelier.Recipes;

namespace Atelier.Runs;

/// <summary>One training, in a folder that a person can read. Held by one process at a time.</summary>
public sealed class Run : IDisposable
{
    internal Run(string folder, Recipe recipe)
    {
        Folder = folder;
        Recipe = recipe;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The recipe with every default in it.</summary>
    public Recipe Recipe { get; }

    /// <summary>The prepared data.</summary>
    public string DataFolder => Path.Combine(Folder, "data");

    /// <summary>The checkpoints.</summary>
    public string CheckpointFolder => Path.Combine(Folder, "checkpoints");

    /// <summary>The samples made while training.</summary>
    public string SampleFolder => Path.Combine(Folder, "samples");

    /// <summary>The pictures of the training.</summary>
    public string PlotFolder => Path.Combine(Folder, "plots");

    /// <summary>The finished model.</summary>
    public string BundleFolder => Path.Combine(Folder, "bundle");

    /// <summary>One JSON object a report: step, loss, learningRate, tokens per second, validationLoss …</summary>
    public string MetricsPath => Path.Combine(Folder, "metrics.jsonl");

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
