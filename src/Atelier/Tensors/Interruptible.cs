namespace Atelier.Tensors;

/// <summary>Adds cancellation to sequences.</summary>
internal static class Interruptible
{
    /// <summary>Yields the same elements, and throws before the next element once cancellation is requested.</summary>
    /// <exception cref="OperationCanceledException">Cancellation was requested.</exception>
    public static IEnumerable<T> StoppedBy<T>(this IEnumerable<T> elements, CancellationToken cancellation)
    {
        foreach (T element in elements)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return element;
        }
    }
}
