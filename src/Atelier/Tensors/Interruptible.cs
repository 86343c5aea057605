namespace Atelier.Tensors;

/// <summary>Sequences that stop where they are asked to.</summary>
internal static class Interruptible
{
    /// <summary>The same elements, but none after a cancellation.</summary>
    /// <exception cref="OperationCanceledException">It is cancelled and another element is asked for.</exception>
    public static IEnumerable<T> StoppedBy<T>(this IEnumerable<T> elements, CancellationToken cancellation)
    {
        foreach (T element in elements)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return element;
        }
    }
}
