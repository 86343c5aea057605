using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>The state of a recurrent layer, for decoding.</summary>
public sealed class RecurrentCache : ILayerCache
{
    /// <summary>The state after the tokens processed so far; null before the first.</summary>
    public RecurrentState? State { get; private set; }

    /// <summary>Replaces the state.</summary>
    public void Keep(RecurrentState state)
    {
        Dispose();
        State = new RecurrentState(state.Hidden.DetachFromDisposeScope(), state.Cell.DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public void Select(Tensor parents)
    {
        if (State is { } state)
            Keep(new RecurrentState(state.Hidden.index_select(1, parents), state.Cell.index_select(1, parents)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        State?.Hidden.Dispose();
        State?.Cell.Dispose();
        State = null;
    }
}
