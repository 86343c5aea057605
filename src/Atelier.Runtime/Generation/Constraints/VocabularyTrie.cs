using Atelier.Tokenizers;

namespace Atelier.Generation.Constraints;

/// <summary>
/// A trie of the bytes of all tokens, so that common prefixes are checked once. Nodes are in depth-first order.
/// </summary>
internal sealed class VocabularyTrie
{
    private readonly byte[] _values;
    private readonly int[] _afters; // for each node, the node after its last descendant
    private readonly byte[] _depths;
    private readonly int[] _firstTokens; // [nodes + 1]: the index in _tokens of each node's first token
    private readonly int[] _tokens;
    private readonly int _deepest;

    /// <summary>
    /// Builds the trie of a vocabulary. Tokens without bytes (special tokens) or with more than 255 bytes are left out.
    /// </summary>
    public VocabularyTrie(Tokenizer tokenizer)
    {
        VocabularySize = tokenizer.VocabularySize;
        int[] ids = [.. Enumerable.Range(0, VocabularySize).Where(id => tokenizer.Bytes(id).Length is > 0 and < 256)];
        Array.Sort(ids, (a, b) => tokenizer.Bytes(a).SequenceCompareTo(tokenizer.Bytes(b)));
        List<byte> values = [], depths = [];
        List<int> tokens = [], firstTokens = [], afters = [];
        var path = new Stack<int>();
        ReadOnlySpan<byte> previous = [];
        foreach (int id in ids)
        {
            ReadOnlySpan<byte> bytes = tokenizer.Bytes(id);
            int shared = bytes.CommonPrefixLength(previous);
            while (path.Count > shared)
                afters[path.Pop()] = values.Count;
            for (int depth = shared; depth < bytes.Length; depth++)
            {
                path.Push(values.Count);
                values.Add(bytes[depth]);
                depths.Add((byte)depth);
                afters.Add(0);
                firstTokens.Add(tokens.Count);
            }
            tokens.Add(id);
            _deepest = Math.Max(_deepest, bytes.Length);
            previous = bytes;
        }
        while (path.Count > 0)
            afters[path.Pop()] = values.Count;
        firstTokens.Add(tokens.Count);
        (_values, _depths, _afters, _firstTokens, _tokens) =
            ([.. values], [.. depths], [.. afters], [.. firstTokens], [.. tokens]);
        Alphabet = AlphabetOf(tokenizer);
    }

    public int VocabularySize { get; }

    /// <summary>
    /// The characters that the vocabulary can write; null for all of them (if every byte is a token).
    /// </summary>
    public CharacterSet? Alphabet { get; }

    /// <summary>Returns a bit for each token whose bytes may follow in a state.</summary>
    public ulong[] Mask(LazyAutomaton automaton, ConstraintState state)
    {
        ulong[] mask = new ulong[(VocabularySize + 63) / 64];
        var states = new ConstraintState[_deepest + 1];
        states[0] = state;
        for (int node = 0; node < _values.Length;)
        {
            int depth = _depths[node];
            ConstraintState next = automaton.Step(states[depth], _values[node]);
            if (next.IsDead)
            {
                node = _afters[node];
                continue;
            }
            states[depth + 1] = next;
            for (int i = _firstTokens[node]; i < _firstTokens[node + 1]; i++)
                mask[_tokens[i] >> 6] |= 1UL << _tokens[i];
            node++;
        }
        return mask;
    }

    private static CharacterSet? AlphabetOf(Tokenizer tokenizer)
    {
        bool[] single = new bool[256];
        var characters = new List<(int, int)>();
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            ReadOnlySpan<byte> bytes = tokenizer.Bytes(id);
            if (bytes.Length == 1)
                single[bytes[0]] = true;
            while (!bytes.IsEmpty && Wtf8.Decode(bytes, out int scalar) is > 0 and int length)
            {
                characters.Add((scalar, scalar));
                bytes = bytes[length..];
            }
        }
        return single.AsSpan().Contains(false) ? CharacterSet.Of(characters) : null;
    }
}
