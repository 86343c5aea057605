using System.Buffers;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>A token that is matched in the text literally, before the text is tokenized.</summary>
/// <param name="Text">The text of the token.</param>
/// <param name="Id">The id of the token.</param>
/// <param name="IsNormalized">Whether its normalized form is matched in the normalized text.</param>
/// <param name="StripsLeft">Whether the white space before it belongs to it.</param>
/// <param name="StripsRight">Whether the white space after it belongs to it.</param>
/// <param name="IsWord">Whether it is matched only where no word continues before or after it.</param>
internal sealed record AddedToken(string Text, int Id, bool IsNormalized, bool StripsLeft = false,
    bool StripsRight = false, bool IsWord = false);

/// <summary>Encodes the text between added tokens.</summary>
/// <param name="piece">The normalized text.</param>
/// <param name="isFirst">Whether the piece is the beginning of the whole text.</param>
/// <param name="ids">The list to which the ids are appended.</param>
internal delegate void PieceEncoder(ReadOnlySpan<char> piece, bool isFirst, List<int> ids);

/// <summary>
/// Splits text at added tokens: the leftmost match first, and of those at the same place the longest. Tokens that are
/// matched in the original text take precedence over those that are matched in the normalized text.
/// </summary>
internal sealed class AddedTokens
{
    private const int MostTokens = 4096;
    private const int LongestToken = 128;
    private readonly Finder? _asIs;
    private readonly Finder? _normalized;
    private readonly TextNormalizer? _normalizer;

    public AddedTokens(IReadOnlyList<AddedToken> tokens, TextNormalizer? normalizer)
    {
        _normalizer = normalizer;
        AddedToken[] asIs = [.. tokens.Where(t => !t.IsNormalized)];
        AddedToken[] normalized = [.. tokens.Where(t => t.IsNormalized)
            .Select(t => normalizer is null ? t : t with { Text = normalizer.Apply(t.Text) })
            .Where(t => t.Text.Length > 0)];
        _asIs = asIs.Length == 0 ? null : new Finder(asIs);
        _normalized = normalized.Length == 0 ? null : new Finder(normalized);
    }

    /// <summary>
    /// Returns two tokens of which one ends as the other begins, or null if there are none. For such tokens the result
    /// depends on the order of matching. Two runs of one character are no such tokens: every order cuts them alike.
    /// </summary>
    /// <exception cref="AtelierException">There are too many tokens, or one is too long.</exception>
    public static (string First, string Second)? Overlapping(IReadOnlyList<AddedToken> tokens)
    {
        if (tokens.Count > MostTokens || tokens.Any(token => token.Text.Length > LongestToken))
        {
            throw new AtelierException(
                $"{tokens.Count} tokens, the longest of {tokens.Max(token => token.Text.Length)} characters, "
                + "are too many to search for", hint: $"at most {MostTokens} of {LongestToken} characters are "
                + $"supported");
        }
        var beginnings = new Dictionary<string, AddedToken>();
        foreach (AddedToken token in tokens.OrderBy(IsRun))
        {
            for (int length = 1; length < token.Text.Length; length++)
                beginnings.TryAdd(token.Text[..length], token);
        }
        foreach (AddedToken token in tokens)
        {
            for (int from = 1; from < token.Text.Length; from++)
            {
                if (beginnings.TryGetValue(token.Text[from..], out AddedToken? other)
                    && !(IsRun(token) && IsRun(other)))
                    return (token.Text, other.Text);
            }
        }
        return null;

        static bool IsRun(AddedToken token) => token.Text.All(c => c == token.Text[0]);
    }

    /// <summary>Appends the ids of a text, or of a part of it that may not be its beginning.</summary>
    public void Encode(ReadOnlySpan<char> text, bool isFirst, List<int> ids, PieceEncoder encode)
    {
        if (_asIs is null)
            EncodeNormalized(text, isFirst, ids, encode);
        else
            _asIs.Cut(text, isFirst, ids, EncodeNormalized, encode);
    }

    private void EncodeNormalized(ReadOnlySpan<char> piece, bool isFirst, List<int> ids, PieceEncoder encode)
    {
        ReadOnlySpan<char> text = _normalizer is null ? piece : _normalizer.Apply(piece);
        if (_normalized is null)
            encode(text, isFirst, ids);
        else
            _normalized.Cut(text, isFirst, ids, static (inner, first, list, last) => last(inner, first, list), encode);
    }

    private delegate void InnerEncoder(ReadOnlySpan<char> piece, bool isFirst, List<int> ids, PieceEncoder encode);

    private sealed class Finder
    {
        private readonly ILookup<char, AddedToken> _tokens; // by first character, the longest first
        private readonly SearchValues<string> _values;

        public Finder(AddedToken[] tokens)
        {
            _tokens = tokens.OrderByDescending(t => t.Text.Length).ToLookup(t => t.Text[0]);
            _values = SearchValues.Create([.. tokens.Select(t => t.Text)], StringComparison.Ordinal);
        }

        public void Cut(ReadOnlySpan<char> text, bool isFirst, List<int> ids, InnerEncoder inner, PieceEncoder encode)
        {
            int from = 0, search = 0; // the end of the token before, and where to look for the next one
            while (from < text.Length)
            {
                int found = text[search..].IndexOfAny(_values), at = search + found;
                AddedToken? token = found < 0 ? null : Longest(text[at..]);
                if (token is { IsWord: true } && !IsAlone(text, at, at + token.Text.Length))
                {
                    search = at + token.Text.Length;
                    continue;
                }
                ReadOnlySpan<char> before = token is null ? text[from..] : text[from..at];
                if (token is { StripsLeft: true })
                    before = before.TrimEnd();
                if (!before.IsEmpty)
                    inner(before, isFirst && from == 0, ids, encode);
                if (token is null)
                    return;
                ids.Add(token.Id);
                from = at + token.Text.Length;
                if (token.StripsRight)
                    from = text.Length - text[from..].TrimStart().Length;
                search = from;
            }
        }

        private static bool IsAlone(ReadOnlySpan<char> text, int start, int end)
        {
            bool continues = Rune.DecodeLastFromUtf16(text[..start], out Rune before, out _) == OperationStatus.Done
                && TextPieces.IsOfWord(before);
            return !continues && !(Rune.DecodeFromUtf16(text[end..], out Rune after, out _) == OperationStatus.Done
                && TextPieces.IsOfWord(after));
        }

        private AddedToken Longest(ReadOnlySpan<char> text)
        {
            foreach (AddedToken token in _tokens[text[0]])
            {
                if (text.StartsWith(token.Text, StringComparison.Ordinal))
                    return token;
            }
            throw new System.Diagnostics.UnreachableException();
        }
    }
}
