using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// Adapts any language model to <see cref="IBatchedLanguageModel"/>. Each sequence has a state of its own; operations
/// that states do not support (forking, truncating) read the tokens again.
/// </summary>
internal sealed class StateSequences(ILanguageModel model) : IBatchedLanguageModel
{
    public int VocabularySize => model.VocabularySize;

    public int ContextLength => model.ContextLength;

    public IDecodingSequence CreateSequence() => new StateSequence(model, []);

    public void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        foreach (SequenceInput input in inputs)
        {
            int rows = input.AllLogits ? input.Tokens.Length : 1;
            ((StateSequence)input.Sequence)
                .Append(input.Tokens.Span, input.AllLogits, logits[..(rows * VocabularySize)]);
            logits = logits[(rows * VocabularySize)..];
        }
    }

    public IDecodingState CreateState(int sequences) => model.CreateState(sequences);

    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default) =>
        model.Score(sequences, cancellation);

    public void Dispose()
    {
        // The adapter does not own the model.
    }

    private sealed class StateSequence(ILanguageModel model, IEnumerable<int> tokens) : IDecodingSequence
    {
        private readonly List<int> _tokens = [.. tokens];
        private IDecodingState? _state;

        public int Length => _tokens.Count;

        public bool CanTruncate => true;

        public void Append(ReadOnlySpan<int> added, bool all, Span<float> logits)
        {
            if (_state is null)
            {
                _state = model.CreateState(1);
                if (_tokens.Count > 0)
                    _state.Append([.. _tokens], new float[model.VocabularySize]);
            }
            if (all)
                _state.AppendAll(added, logits);
            else
                _state.Append(added, logits);
            _tokens.AddRange(added);
        }

        public IDecodingSequence Fork() => new StateSequence(model, _tokens);

        public void Truncate(int length)
        {
            if (length == Length)
                return;
            _tokens.RemoveRange(length, _tokens.Count - length);
            if (_state is { CanTruncate: true } && length > 0)
            {
                _state.Truncate(length);
                return;
            }
            _state?.Dispose();
            _state = null;
        }

        public void Dispose() => _state?.Dispose();
    }
}
