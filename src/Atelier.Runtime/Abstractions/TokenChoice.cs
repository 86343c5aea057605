namespace Atelier.Abstractions;

/// <summary>A chosen token.</summary>
/// <param name="Id">The id of the token.</param>
/// <param name="LogProbability">The log-probability of the token in nats, under the model's own distribution, before
/// temperature and penalties.</param>
public readonly record struct TokenChoice(int Id, float LogProbability);
