using Atelier.Tokenizers;

namespace Atelier.Generation.Chat;

/// <summary>
/// Encodes conversations. The names of special tokens are encoded as these tokens only where the format wrote them,
/// never where they occur in a message.
/// </summary>
internal sealed class ChatEncoder
{
    private readonly Tokenizer _tokenizer;
    private readonly Dictionary<string, int> _ids = [];
    private readonly ILookup<char, string> _names; // by first character, the longest first

    public ChatEncoder(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (tokenizer.Bytes(id).IsEmpty && tokenizer.Name(id) is { Length: > 0 } name)
                _ids.TryAdd(name, id);
        }
        _names = _ids.Keys.OrderByDescending(name => name.Length).ToLookup(name => name[0]);
    }

    /// <summary>The names of the special tokens.</summary>
    public IReadOnlyCollection<string> Names => _ids.Keys;

    /// <summary>Returns the longest name of a special token that begins at a place of a text; null for none.</summary>
    public string? NameAt(string text, int at)
    {
        foreach (string name in _names[text[at]])
        {
            if (string.CompareOrdinal(text, at, name, 0, name.Length) == 0)
                return name;
        }
        return null;
    }

    /// <summary>Returns the id of a special token by its name; -1 if there is none.</summary>
    public int SpecialId(string name) => _ids.GetValueOrDefault(name, -1);

    /// <summary>Returns the id of a token by its name, whether or not the vocabulary marks it as special.</summary>
    public int? Id(string name)
    {
        if (_ids.TryGetValue(name, out int special))
            return special;
        for (int id = 0; id < _tokenizer.VocabularySize; id++)
        {
            if (_tokenizer.Name(id) == name)
                return id;
        }
        return null;
    }

    /// <summary>Returns the tokens of a conversation.</summary>
    /// <param name="chat">The conversation.</param>
    public int[] Encode(ChatText chat) => Encode(chat, [], []);

    /// <summary>Returns the tokens of a conversation that is cut at some places.</summary>
    /// <param name="chat">The conversation.</param>
    /// <param name="cuts">The places in the text that no token crosses, in ascending order. A place within a special
    /// token means its beginning.</param>
    /// <param name="tokens">Receives the number of tokens before each place.</param>
    public int[] Encode(ChatText chat, ReadOnlySpan<int> cuts, Span<int> tokens)
    {
        string text = chat.Text;
        var ids = new List<int>();
        int from = 0, cut = 0;
        for (int at = 0; at < text.Length;)
        {
            string? name = NameAt(text, at);
            bool isSpecial = name is not null && !chat.HasSaid(at, at + name.Length);
            int next = at + (isSpecial ? name!.Length : 1);
            bool isCut = cut < cuts.Length && cuts[cut] < next;
            if (isSpecial || isCut)
                EncodePart(at);
            for (; cut < cuts.Length && cuts[cut] < next; cut++)
                tokens[cut] = ids.Count;
            if (isSpecial)
            {
                ids.Add(_ids[name!]);
                from = next;
            }
            at = next;
        }
        EncodePart(text.Length);
        tokens[cut..].Fill(ids.Count);
        return [.. ids];

        void EncodePart(int end)
        {
            if (end > from)
                _tokenizer.EncodePart(text.AsSpan(from, end - from), ids.Count == 0, ids);
            from = end;
        }
    }
}
