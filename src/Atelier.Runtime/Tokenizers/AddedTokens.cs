using System.Buffers;

namespace Atelier.Tokenizers;

/// <summary>A token that is matched in the text literally, before the text is tokenized.</summary>
/// <param name="Text">The text of the token.</param>
/// <param name="Id">The id of the token.</param>
/// <param name="IsNormalized">Whether its normalized form is matched in the normalized text.</param>
internal sealed record AddedToken(string Text, int Id, bool IsNormalized);

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
        (string Text, int Id)[] asIs = [.. tokens.Where(t => !t.IsNormalized).Select(t => (t.Text, t.Id))];
        (string Text, int Id)[] normalized =
            [.. tokens.Where(t => t.IsNormalized).Select(t => (normalizer?.Apply(t.Text) ?? t.Text, t.Id))];
        _asIs = asIs.Length == 0 ? null : new Finder(asIs);
        _normalized = normalized.Length == 0 ? null : new Finder(normalized);
    }

    /// <summary>
    /// Returns two tokens of which one ends as the other begins, or null if there are none. For such tokens the result
    /// depends on the order of matching.
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
        var beginnings = new Dictionary<string, string>();
        foreach (AddedToken token in tokens)
        {
            for (int length = 1; length < token.Text.Length; length++)
                beginnings.TryAdd(token.Text[..length], token.Text);
        }
        foreach (AddedToken token in tokens)
        {
            for (int from = 1; from < token.Text.Length; from++)
            {
                if (beginnings.TryGetValue(token.Text[from..], out string? other))
                    return (token.Text, other);
            }
        }
        return null;
    }

    /// <summary>Appends the ids of a text.</summary>
    public void Encode(ReadOnlySpan<char> text, List<int> ids, PieceEncoder encode)
    {
        if (_asIs is null)
            EncodeNormalized(text, true, ids, encode);
        else
            _asIs.Cut(text, true, ids, EncodeNormalized, encode);
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
        private readonly ILookup<char, (string Text, int Id)> _tokens; // by first character, the longest first
        private readonly SearchValues<string> _values;

        public Finder((string Text, int Id)[] tokens)
        {
            _tokens = tokens.OrderByDescending(t => t.Text.Length).ToLookup(t => t.Text[0]);
            _values = SearchValues.Create([.. tokens.Select(t => t.Text)], StringComparison.Ordinal);
        }

        public void Cut(ReadOnlySpan<char> text, bool isFirst, List<int> ids, InnerEncoder inner, PieceEncoder encode)
        {
            while (!text.IsEmpty)
            {
                int at = text.IndexOfAny(_values);
                if (at != 0)
                    inner(at < 0 ? text : text[..at], isFirst, ids, encode);
                if (at < 0)
                    return;
                foreach ((string token, int id) in _tokens[text[at]])
                {
                    if (!text[at..].StartsWith(token, StringComparison.Ordinal))
                        continue;
                    ids.Add(id);
                    text = text[(at + token.Length)..];
                    break;
                }
                isFirst = false;
            }
        }
    }
}
