using System.Collections.Concurrent;

namespace Atelier.Tokenizers;

/// <summary>Encodes one word.</summary>
internal delegate int[] WordEncoder(ReadOnlySpan<char> word);

/// <summary>Encodes words and keeps the ids of short ones. Safe for concurrent use.</summary>
internal sealed class WordCache
{
    private const int CachedWords = 1 << 17;
    private const int LongestCachedWord = 64;
    private readonly WordEncoder _encode;
    private readonly ConcurrentDictionary<string, int[]> _words = new();
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public WordCache(WordEncoder encode) =>
        (_encode, _lookup) = (encode, _words.GetAlternateLookup<ReadOnlySpan<char>>());

    /// <summary>Appends the ids of a word.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length <= LongestCachedWord && _lookup.TryGetValue(word, out int[]? known))
        {
            ids.AddRange(known);
            return;
        }
        int[] encoded = _encode(word);
        ids.AddRange(encoded);
        if (word.Length <= LongestCachedWord && _words.Count < CachedWords)
            _lookup.TryAdd(word, encoded);
    }
}
