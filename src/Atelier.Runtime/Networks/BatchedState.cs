using Atelier.Abstractions;

namespace Atelier.Networks;

/// <summary>The state of sequences with equal lengths, for a model that advances sequences of any lengths.</summary>
internal sealed class BatchedState : IDecodingState
{
    private readonly IBatchedLanguageModel _model;
    private IDecodingSequence[] _sequences;
    private SequenceInput[] _inputs;
    private int[] _tokens = [];

    public BatchedState(IBatchedLanguageModel model, int sequences)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequences, 1);
        _model = model;
        _sequences = new IDecodingSequence[sequences];
        for (int i = 0; i < sequences; i++)
            _sequences[i] = model.CreateSequence();
        _inputs = new SequenceInput[sequences];
    }

    public int Sequences => _sequences.Length;

    public int Length => _sequences[0].Length;

    public bool CanTruncate => _sequences[0].CanTruncate;

    public void Append(ReadOnlySpan<int> tokens, Span<float> logits) => Append(tokens, logits, all: false);

    public void AppendAll(ReadOnlySpan<int> tokens, Span<float> logits) => Append(tokens, logits, all: true);

    public void Truncate(int length)
    {
        foreach (IDecodingSequence sequence in _sequences)
            sequence.Truncate(length);
    }

    public void Select(ReadOnlySpan<int> parents)
    {
        ArgumentOutOfRangeException.ThrowIfZero(parents.Length);
        foreach (int parent in parents)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)parent, (uint)Sequences, nameof(parents));
        var next = new IDecodingSequence[parents.Length];
        for (int i = 0; i < next.Length; i++)
            next[i] = _sequences[parents[i]].Fork();
        Dispose();
        _sequences = next;
        _inputs = new SequenceInput[next.Length];
    }

    public void Dispose()
    {
        foreach (IDecodingSequence sequence in _sequences)
            sequence.Dispose();
    }

    private void Append(ReadOnlySpan<int> tokens, Span<float> logits, bool all)
    {
        (int added, int rest) = Math.DivRem(tokens.Length, Sequences);
        if (added == 0 || rest != 0)
            throw new ArgumentException($"{tokens.Length} tokens do not make rows for {Sequences} sequences",
                nameof(tokens));
        if (_tokens.Length < tokens.Length)
            _tokens = new int[tokens.Length];
        tokens.CopyTo(_tokens);
        for (int i = 0; i < _inputs.Length; i++)
            _inputs[i] = new SequenceInput(_sequences[i], _tokens.AsMemory(i * added, added), all);
        _model.Append(_inputs, logits);
    }
}
