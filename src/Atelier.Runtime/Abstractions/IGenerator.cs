namespace Atelier.Abstractions;

/// <summary>
/// Draws samples of whatever kind. Safe for concurrent use: the same request gives the same samples whoever else asks.
/// </summary>
public interface IGenerator : IDisposable
{
    /// <summary>What it makes.</summary>
    Modality Modality { get; }

    /// <summary>Draws samples, each given as soon as it is whole.</summary>
    IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request, CancellationToken cancellation = default);
}
