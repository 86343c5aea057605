using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// The state of sequences that may grow beyond the model's context: when the context is full, its last half is read
/// again and generation continues from there. All sequences have the same length.
/// </summary>
internal sealed class RollingState : IDisposable
{
    private readonly ILanguageModel _model;
    private IDecodingState _state;

    /// <summary>Reads a prompt once for a number of sequences.</summary>
    public RollingState(ILanguageModel model, int[] prompt, int sequences)
    {
        _model = model;
        ReadOnlySpan<int> read = prompt.Length <= model.ContextLength ? prompt : prompt.AsSpan(prompt.Length - Half);
        _state = model.CreateState(1);
        Logits = new float[model.VocabularySize];
        _state.Append(read, Logits);
        if (sequences > 1)
            Select(new int[sequences]);
    }

    /// <summary>The logits of the next token, [sequences, vocabulary].</summary>
    public float[] Logits { get; private set; }

    private int Half => Math.Max(1, _model.ContextLength / 2);

    /// <summary>Continues sequence i from the state of sequence parents[i].</summary>
    public void Select(ReadOnlySpan<int> parents)
    {
        _state.Select(parents);
        int vocabulary = _model.VocabularySize;
        float[] logits = new float[parents.Length * vocabulary];
        for (int i = 0; i < parents.Length; i++)
            Logits.AsSpan(parents[i] * vocabulary, vocabulary).CopyTo(logits.AsSpan(i * vocabulary));
        Logits = logits;
    }

    /// <summary>Appends one token to each sequence.</summary>
    /// <param name="tokens">One token for each sequence.</param>
    /// <param name="history">Returns all tokens of a sequence, including the new one. It is called only if the context
    /// is full.</param>
    public void Append(ReadOnlySpan<int> tokens, Func<int, List<int>> history)
    {
        if (_state.Length < _model.ContextLength)
        {
            _state.Append(tokens, Logits);
            return;
        }
        int sequences = tokens.Length;
        var last = new int[sequences * Half];
        for (int i = 0; i < sequences; i++)
        {
            List<int> all = history(i);
            all.CopyTo(all.Count - Half, last, i * Half, Half);
        }
        _state.Dispose();
        _state = _model.CreateState(sequences);
        _state.Append(last, Logits);
    }

    /// <inheritdoc/>
    public void Dispose() => _state.Dispose();
}
