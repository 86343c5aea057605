namespace Atelier.Abstractions;

/// <summary>A token that was chosen.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">In nats, under the model's own distribution, before temperature and penalties.</param>
public readonly record struct TokenChoice(int Id, float LogProbability);
