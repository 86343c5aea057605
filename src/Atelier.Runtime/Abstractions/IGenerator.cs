namespace Atelier.Abstractions;

/// <summary>
/// Draws samples of any kind. Safe for concurrent use: the same request gives the same samples regardless of other
/// requests.
/// </summary>
public interface IGenerator : IDisposable
{
    /// <summary>The kind of samples.</summary>
    Modality Modality { get; }

    /// <summary>
    /// Returns the model as one of its capabilities, or null if it lacks it: <c>model.As&lt;IExplainable&gt;()</c>.
    /// </summary>
    /// <typeparam name="T">The interface of the capability.</typeparam>
    T? As<T>()
        where T : class => this as T;

    /// <summary>Draws samples, each given as soon as it is whole.</summary>
    IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request, CancellationToken cancellation = default);
}
