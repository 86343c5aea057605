namespace Atelier.Tensors;

/// <summary>
/// The sizes of the processor's caches that oneDNN assumes, which computes the tensor library's convolutions.
/// </summary>
public enum CacheSizes
{
    /// <summary>The sizes that the processor reports.</summary>
    Known,

    /// <summary>oneDNN's default sizes: the processor hides its caches, and this process has told oneDNN so.</summary>
    Guessed,

    /// <summary>One byte each, because the processor hides its caches: some results are wrong.</summary>
    Wrong,
}
