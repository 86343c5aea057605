namespace Atelier.Choose;

/// <summary>Options for choosing a model for data.</summary>
/// <param name="Source">The data: a file, a folder, the name of a data set of the catalogue, or a world.</param>
public sealed record ChoiceOptions(string Source)
{
    /// <summary>The name of the task, such as "text" or "table"; null takes the kind of the data.</summary>
    public string? Kind { get; init; }

    /// <summary>
    /// What models are for, where the families of a task differ: "generate", or for text also "fill-in". Null takes
    /// "generate".
    /// </summary>
    public string? Purpose { get; init; }

    /// <summary>The names of the families to compare; empty compares all that can learn the task.</summary>
    public IReadOnlyList<string> Families { get; init; } = [];

    /// <summary>
    /// The time for all trials in minutes. Null takes a tenth of the time that training all candidates in full would
    /// take.
    /// </summary>
    public double? Minutes { get; init; }

    /// <summary>Changes to all recipes, such as "training.steps=500".</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>The seed of all trials.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Whether to give advice without any training.</summary>
    public bool ExplainOnly { get; init; }

    /// <summary>Whether to train every candidate in full afterwards, and to report how good the choice was.</summary>
    public bool Verify { get; init; }

    /// <summary>Whether to continue the choice in the folder: trials that are finished are kept.</summary>
    public bool Resume { get; init; }
}
