using Atelier.Layers;
using Atelier.Tasks.Text;
using static TorchSharp.torch;

namespace Atelier.Models.Seq2Seq;

/// <summary>The state of a decoder after some steps.</summary>
/// <param name="Layers">The state of each recurrent layer, from first to last.</param>
/// <param name="Fed">With input feeding, the last attentional state h̃, [batch, 1, attentional].</param>
/// <param name="Coverage">With coverage, the sum of all attention weights, [batch, span]; null before the first
/// step.</param>
internal sealed record DecoderState(IReadOnlyList<RecurrentState> Layers, Tensor? Fed, Tensor? Coverage)
{
    /// <summary>Applies a function to each tensor.</summary>
    /// <param name="change">The function of a tensor and the dimension of its sequences.</param>
    public DecoderState Select(Func<Tensor, int, Tensor> change) => new(
        [.. Layers.Select(layer => new RecurrentState(change(layer.Hidden, 1), change(layer.Cell, 1)))],
        Fed is null ? null : change(Fed, 0), Coverage is null ? null : change(Coverage, 0));
}

/// <summary>The memory of a decoder between calls.</summary>
internal sealed class DecoderMemory : TextMemory
{
    private Tensor? _keys;

    /// <summary>The state after the tokens processed so far; null before the first.</summary>
    public DecoderState? State { get; private set; }

    /// <summary>The keys of attention, computed by the first call; null if they are the source itself.</summary>
    /// <param name="compute">Computes them.</param>
    public Tensor? Keys(Func<Tensor?> compute) => _keys ??= compute()?.DetachFromDisposeScope();

    /// <summary>Replaces the state.</summary>
    public void Keep(DecoderState state)
    {
        DecoderState? old = State;
        State = state.Select((tensor, _) => tensor.DetachFromDisposeScope());
        Release(old);
    }

    /// <inheritdoc/>
    public override void Select(Tensor parents)
    {
        if (State is not null)
            Keep(State.Select((tensor, dimension) => tensor.index_select(dimension, parents)));
        Tensor? old = _keys;
        _keys = old?.index_select(0, parents).DetachFromDisposeScope();
        old?.Dispose();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Release(State);
        _keys?.Dispose();
    }

    private static void Release(DecoderState? state) => state?.Select((tensor, _) =>
    {
        tensor.Dispose();
        return tensor;
    });
}
