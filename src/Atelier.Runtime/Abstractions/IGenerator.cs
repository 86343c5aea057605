namespace Atelier.Abstractions;

/// <summary>
/// Draws samples of any kind. Safe for concurrent use: the same request gives the same samples regardless of other
/// requests.
/// </summary>
public interface IGenerator : IDisposable
{
    /// <summary>The kind of samples.</summary>
    Modality Modality { get; }

    /// <summary>Draws samples and returns each as soon as it is complete.</summary>
    IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request, CancellationToken cancellation = default);
}
