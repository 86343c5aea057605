namespace Atelier.Training;

/// <summary>What a family adds to the trainer's loop.</summary>
public sealed record TrainerHooks
{
    /// <summary>Writes the model, as it is, as a bundle into a folder.</summary>
    public required Action<string> WriteBundle { get; init; }

    /// <summary>A sample of the model as it is, from a fixed seed, as a person would look at it.</summary>
    public Func<string>? Preview { get; init; }

    /// <summary>Values from outside training that metrics are compared with in plots: "5-gram", "exact entropy".</summary>
    public IReadOnlyDictionary<string, double> ReferenceLosses { get; init; } = new Dictionary<string, double>();
}
