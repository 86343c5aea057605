namespace Atelier.Tensors;

/// <summary>
/// What oneDNN, by which the tensor library convolves, takes for the sizes of the processor's caches.
/// </summary>
public enum CacheSizes
{
    /// <summary>Sizes as the processor reports them, or as oneDNN guesses.</summary>
    Known,

    /// <summary>A guess of its own, since the processor hides its caches and this process let oneDNN know.</summary>
    Guessed,

    /// <summary>One byte each, since the processor hides its caches: some answers are wrong.</summary>
    Wrong,
}
