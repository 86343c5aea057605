using Atelier.Runs;

namespace Atelier.Server.Trainings;

/// <summary>A run as requests see it: of the history, of a training that a request has started, or of both.</summary>
/// <param name="Record">What the history says, or would say.</param>
/// <param name="Status">The status; "queued" too.</param>
/// <param name="Training">The training that a request has started; null for other runs.</param>
internal sealed record RunView(RunRecord Record, string Status, TrainingJob? Training);
