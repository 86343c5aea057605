namespace Atelier.Abstractions;

/// <summary>A chosen token.</summary>
/// <param name="Id">The id of the token.</param>
/// <param name="LogProbability">The log-probability of the token in nats, under the model's own distribution, before
/// temperature and penalties.</param>
public readonly record struct TokenChoice(int Id, float LogProbability)
{
    /// <summary>
    /// The most probable tokens at this place, from the most probable on, if the request asked for
    /// <see cref="GenerationRequest.Alternatives"/>; otherwise null.
    /// </summary>
    public IReadOnlyList<TokenChoice>? Alternatives { get; init; }
}
