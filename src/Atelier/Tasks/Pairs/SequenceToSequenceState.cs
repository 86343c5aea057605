using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Pairs;

/// <summary>The decoding state of several targets in a <see cref="SequenceToSequenceModel"/>.</summary>
internal sealed class SequenceToSequenceState : IAlignedState
{
    private readonly SequenceToSequenceModel _model;
    private readonly TextMemory _memory;
    private readonly Tensor[] _source; // encoded, [sequences, span, hidden], and true at padding, [sequences, span]
    private float[] _alignments = [];

    public SequenceToSequenceState(SequenceToSequenceModel model, IReadOnlyList<ReadOnlyMemory<int>> sources)
    {
        (_model, Sequences) = (model, sources.Count);
        lock (model.Gate)
        {
            using var evaluation = new EvaluationMode(model);
            using var scope = NewDisposeScope();
            (Tensor ids, Tensor padding) = TextBatch.PaddedRows(sources);
            padding = padding.to(model.Device);
            _source = [model.Encode(ids.to(model.Device), padding).DetachFromDisposeScope(),
                padding.DetachFromDisposeScope()];
            _memory = model.CreateMemory(sources.Count);
        }
    }

    public int Sequences { get; private set; }

    public int Length { get; private set; }

    public ReadOnlySpan<float> Alignments => _alignments;

    public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        int added = this.CheckAppend(tokens, logits, _model.ContextLength, _model.VocabularySize);
        lock (_model.Gate)
        {
            using var evaluation = new EvaluationMode(_model);
            using var scope = NewDisposeScope();
            Tensor ids = TextDecodingState.Longs(tokens).view(Sequences, added).to(_model.Device);
            Tensor hidden = _model.Decode(ids, _source[0], _source[1], _memory, Keep)
                .narrow(1, added - 1, 1).squeeze(1); // [sequences, hidden]
            _model.Head(hidden).Floats().CopyTo(logits);
        }
        Length += added;

        void Keep(Tensor weights) => _alignments = weights.narrow(1, added - 1, 1).Floats().ToArray();
    }

    public void Select(ReadOnlySpan<int> parents)
    {
        foreach (int parent in parents)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)parent, (uint)Sequences, nameof(parents));
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Tensor chosen = TextDecodingState.Longs(parents).to(_model.Device);
        _memory.Select(chosen);
        foreach (ref Tensor part in _source.AsSpan())
        {
            Tensor selected = part.index_select(0, chosen).DetachFromDisposeScope();
            part.Dispose();
            part = selected;
        }
        int span = (int)_source[1].shape[1];
        if (_alignments.Length > 0)
        {
            float[] rows = new float[parents.Length * span];
            for (int i = 0; i < parents.Length; i++)
                _alignments.AsSpan(parents[i] * span, span).CopyTo(rows.AsSpan(i * span));
            _alignments = rows;
        }
        Sequences = parents.Length;
    }

    public void Dispose()
    {
        _memory.Dispose();
        foreach (Tensor part in _source)
            part.Dispose();
    }
}
