namespace Atelier.Tensors;

/// <summary>The sizes of the processor's caches that oneDNN, the tensor library's convolutions, assumes.</summary>
public enum CacheSizes
{
    /// <summary>Sizes as the processor reports them, or as oneDNN guesses.</summary>
    Known,

    /// <summary>A guess of its own, since the processor hides its caches and this process let oneDNN know.</summary>
    Guessed,

    /// <summary>One byte each, since the processor hides its caches: some answers are wrong.</summary>
    Wrong,
}
