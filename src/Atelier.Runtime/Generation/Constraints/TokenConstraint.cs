using Atelier.Tokenizers;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Determines which tokens may come next under a constraint, for one vocabulary. Results are cached. Safe for
/// concurrent use.
/// </summary>
internal sealed class TokenConstraint
{
    private readonly Tokenizer _tokenizer;
    private readonly VocabularyTrie _vocabulary;
    private readonly int[] _endIds;
    private readonly LazyAutomaton _automaton;
    private readonly ConstraintState _losesASpace;
    private readonly string _where;
    private readonly Lock _lock = new();

    /// <summary>Compiles a constraint.</summary>
    /// <param name="grammar">The grammar of the texts.</param>
    /// <param name="vocabulary">The bytes of all tokens.</param>
    /// <param name="tokenizer">The tokenizer of the vocabulary.</param>
    /// <param name="endIds">The tokens that end a text.</param>
    /// <param name="where">The name of the constraint in error messages.</param>
    /// <exception cref="AtelierException">No text can satisfy the constraint, or it is too large.</exception>
    public TokenConstraint(Grammar grammar, VocabularyTrie vocabulary, Tokenizer tokenizer, IReadOnlyList<int> endIds,
        string where)
    {
        (_tokenizer, _vocabulary, _endIds, _where) = (tokenizer, vocabulary, [.. endIds], where);
        ByteNetwork network = Build(grammar, vocabulary.Alphabet);
        if (!network.IsUseful[network.Starts[0]])
        {
            ByteNetwork unlimited = Build(grammar, null);
            throw unlimited.IsUseful[unlimited.Starts[0]]
                ? new AtelierException("no text of the model's vocabulary can satisfy it",
                    where, "it needs characters that the model does not have")
                : new AtelierException("no finite text can satisfy it", where, "it contradicts itself");
        }
        _automaton = new LazyAutomaton(network);
        _losesASpace = _automaton.StartThatLosesASpace();
    }

    /// <summary>Whether a token can end a text.</summary>
    public bool HasEnd => _endIds.Length > 0;

    /// <summary>Returns the state of a sample without text.</summary>
    /// <param name="fromStart">Whether the sample begins a new text rather than continuing a prompt.</param>
    public ConstraintState Start(bool fromStart) =>
        fromStart && _tokenizer.BeginsWithSpace ? _losesASpace : _automaton.Start;

    /// <summary>
    /// Returns a bit for each token that may come next: bit <c>id % 64</c> of word <c>id / 64</c>. The tokens that end
    /// a text are allowed if the text is complete.
    /// </summary>
    /// <exception cref="AtelierException">No token is allowed.</exception>
    public ReadOnlySpan<ulong> Allowed(ConstraintState state)
    {
        ReadOnlySpan<ulong> mask = Mask(state);
        return mask.IndexOfAnyExcept(0UL) >= 0
            ? mask
            : throw new AtelierException("no token of the model's vocabulary can follow", _where,
                "the constraint does not fit the tokenizer");
    }

    /// <summary>Returns the same bits as <see cref="Allowed"/>; all are 0 if no token is allowed.</summary>
    public ReadOnlySpan<ulong> Mask(ConstraintState state)
    {
        lock (_lock)
        {
            if (state.Mask is { } known)
                return known;
            ulong[] mask = _vocabulary.Mask(_automaton, state);
            foreach (int end in _endIds)
            {
                mask[end >> 6] &= ~(1UL << end); // it ends the text and adds none of its bytes
                if (state.IsComplete)
                    mask[end >> 6] |= 1UL << end;
            }
            _automaton.Hold(mask.Length * sizeof(ulong));
            state.Mask = mask;
            return mask;
        }
    }

    /// <summary>Returns the state after an allowed token.</summary>
    public ConstraintState Advance(ConstraintState state, int token)
    {
        if (_endIds.AsSpan().Contains(token))
            return state;
        lock (_lock)
        {
            foreach (byte value in _tokenizer.Bytes(token))
                state = _automaton.Step(state, value);
        }
        return state;
    }

    private ByteNetwork Build(Grammar grammar, CharacterSet? alphabet)
    {
        try
        {
            return ByteNetwork.Build(grammar, alphabet);
        }
        catch (AtelierException e) when (e.Where is null)
        {
            throw e.At(_where);
        }
    }
}
