namespace Atelier.Tensors;

/// <summary>Restores a state when it is disposed.</summary>
/// <param name="restore">Restores the state.</param>
internal sealed class Restoration(Action restore) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => restore();
}
