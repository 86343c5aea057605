namespace Atelier.Abstractions;

/// <summary>
/// The capability to draw samples. Safe for concurrent use: the same request gives the same samples regardless of other
/// requests.
/// </summary>
public interface IGenerator
{
    /// <summary>Draws samples and returns each as soon as it is complete.</summary>
    /// <param name="request">The request for samples.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The request cannot be fulfilled.</exception>
    IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request, CancellationToken cancellation = default);
}
