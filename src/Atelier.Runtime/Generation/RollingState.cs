using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// The state of sequences that may grow beyond the model's context: when the context is full, its last half is read
/// again and generation continues from there. All sequences have the same length.
/// </summary>
internal sealed class RollingState : IDisposable
{
    private readonly ILanguageModel _model;
    private readonly bool _isAligned;
    private IDecodingState _state;
    private float[] _logits = [];
    private float[] _alignments = [];

    /// <summary>Reads a prompt once for each source of the model; a model without sources has one sequence.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The prompt, with the start token.</param>
    /// <param name="isAligned">Whether the alignments to the sources are needed.</param>
    /// <exception cref="AtelierException">Alignments are needed, and the model has none.</exception>
    public RollingState(ILanguageModel model, int[] prompt, bool isAligned = false)
    {
        (_model, _isAligned) = (model, isAligned);
        ReadOnlySpan<int> read = prompt.Length <= model.ContextLength ? prompt : prompt.AsSpan(prompt.Length - Half);
        _state = model.CreateState(1);
        try
        {
            int[] tokens = new int[read.Length * _state.Sequences];
            for (int i = 0; i < tokens.Length; i += read.Length)
                read.CopyTo(tokens.AsSpan(i));
            Append(tokens);
        }
        catch
        {
            _state.Dispose();
            throw;
        }
    }

    private int Half => Math.Max(1, _model.ContextLength / 2);

    /// <summary>Returns the logits of the next token of a sequence, [vocabulary].</summary>
    public ReadOnlySpan<float> Logits(int sequence) =>
        _logits.AsSpan(sequence * _model.VocabularySize, _model.VocabularySize);

    /// <summary>
    /// Returns the attention with which the next token of a sequence is predicted, [source]; empty if alignments are
    /// not needed.
    /// </summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="sourceLength">Number of tokens of its source.</param>
    public float[] Alignment(int sequence, int sourceLength)
    {
        int width = _alignments.Length / _state.Sequences;
        return _isAligned ? _alignments.AsSpan(sequence * width, sourceLength).ToArray() : [];
    }

    /// <summary>Continues sequence i from the state of sequence parents[i], with the same next token.</summary>
    public void Select(ReadOnlySpan<int> parents)
    {
        int width = _alignments.Length / _state.Sequences;
        _state.Select(parents);
        _logits = Rows(_logits, parents, _model.VocabularySize);
        _alignments = Rows(_alignments, parents, width);

        static float[] Rows(float[] all, ReadOnlySpan<int> rows, int width)
        {
            float[] selected = new float[rows.Length * width];
            for (int i = 0; i < rows.Length; i++)
                all.AsSpan(rows[i] * width, width).CopyTo(selected.AsSpan(i * width));
            return selected;
        }
    }

    /// <summary>Continues sequence i from the state of sequence parents[i] with a token.</summary>
    /// <param name="parents">The sequence that each new sequence continues.</param>
    /// <param name="tokens">One token for each new sequence.</param>
    /// <param name="history">Returns all tokens of a new sequence, including the new one. It is called only if the
    /// context is full.</param>
    public void Append(ReadOnlySpan<int> parents, ReadOnlySpan<int> tokens, Func<int, List<int>> history)
    {
        if (_state.Length < _model.ContextLength)
        {
            if (!IsIdentity(parents))
                _state.Select(parents);
            Append(tokens);
            return;
        }
        int sequences = tokens.Length;
        int[] last = new int[sequences * Half];
        for (int i = 0; i < sequences; i++)
        {
            List<int> all = history(i);
            all.CopyTo(all.Count - Half, last, i * Half, Half);
        }
        _state.Dispose();
        _state = _model.CreateState(sequences);
        Append(last);
    }

    /// <inheritdoc/>
    public void Dispose() => _state.Dispose();

    private void Append(ReadOnlySpan<int> tokens)
    {
        int count = _state.Sequences * _model.VocabularySize;
        if (_logits.Length < count)
            _logits = new float[count];
        _state.Append(tokens, _logits.AsSpan(0, count));
        if (!_isAligned)
            return;
        if (_state is not IAlignedState aligned || aligned.Alignments.IsEmpty)
            throw new AtelierException("the model does not return alignments of targets to sources",
                hint: $"leave out {Mention.Field("coveragePenalty")} and alignments");
        ReadOnlySpan<float> alignments = aligned.Alignments;
        if (_alignments.Length != alignments.Length)
            _alignments = new float[alignments.Length];
        alignments.CopyTo(_alignments);
    }

    private bool IsIdentity(ReadOnlySpan<int> parents)
    {
        for (int i = 0; i < parents.Length; i++)
        {
            if (parents[i] != i)
                return false;
        }
        return parents.Length == _state.Sequences;
    }
}
