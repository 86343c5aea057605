using System.Text.Json.Serialization;

namespace Atelier.Server.Trainings;

/// <summary>A training that requests have started.</summary>
/// <param name="Id">The id.</param>
/// <param name="Name">The name of the run's folder.</param>
/// <param name="Recipe">The name of the recipe.</param>
/// <param name="Family">The family of the model.</param>
/// <param name="Data">The id of its data; null for data that no request may name.</param>
/// <param name="Created">When it was asked for.</param>
internal sealed record TrainingJob(string Id, string Name, string Recipe, string Family, string? Data,
    DateTimeOffset Created)
{
    /// <summary>Since when it waits; null if it does not.</summary>
    public DateTimeOffset? Waiting { get; init; }

    /// <summary>The process that trains, or trained last.</summary>
    public ProcessMark? Process { get; init; }

    /// <summary>Why the process could not be started; null if it could.</summary>
    public string? Failure { get; init; }

    /// <summary>How its last process was seen to have ended, "interrupted" or "failed"; null for neither.</summary>
    public string? Ended { get; init; }

    /// <summary>Whether the run was seen finished.</summary>
    public bool IsFinished { get; init; }

    /// <summary>Whether it waits.</summary>
    [JsonIgnore]
    public bool IsWaiting => Waiting is not null;
}
