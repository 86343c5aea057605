using Atelier.Data.Text.Reading;

namespace Atelier.Data.Text.Cleaning;

/// <summary>
/// Drops documents that are similar to an earlier one: the Jaccard similarity of their sets of shingles (sequences of
/// five words, or of eight characters if the text has no spaces between words) is about 0.8 or more. The similarity is
/// estimated by MinHash (Broder 1997) with 128 permutations. Candidates are found in 16 bands of 8 (Leskovec, Rajaraman
/// and Ullman 2014, section 3.4), so that two documents of similarity s are compared with probability
/// 1 - (1 - s⁸)¹⁶.
/// </summary>
internal sealed class NearDuplicates
{
    private const int Bands = 16;
    private const int Rows = 8;
    private const double Threshold = 0.8;
    private const int WordsInShingle = 5;
    private const int CharactersInShingle = 8;

    private readonly Dictionary<ulong, int>[] _buckets =
        [.. Enumerable.Range(0, Bands).Select(_ => new Dictionary<ulong, int>())];
    private readonly List<uint[]> _signatures = [];

    public string? Apply(DocumentPiece piece)
    {
        if (!piece.Whole)
            return piece.Text;
        uint[] signature = Signature(piece.Text);
        Span<ulong> keys = stackalloc ulong[Bands];
        for (int band = 0; band < Bands; band++)
        {
            ulong key = (ulong)band;
            foreach (uint value in signature.AsSpan(band * Rows, Rows))
                key = SplitMix64.At(key, value);
            keys[band] = key;
            if (_buckets[band].TryGetValue(key, out int other)
                && Resemblance(signature, _signatures[other]) >= Threshold)
                return null;
        }
        for (int band = 0; band < Bands; band++)
            _buckets[band].TryAdd(keys[band], _signatures.Count);
        _signatures.Add(signature);
        return piece.Text;
    }

    /// <summary>
    /// Returns the share of positions in which two signatures agree, an unbiased estimate of the Jaccard similarity of
    /// the two sets of shingles.
    /// </summary>
    internal static double Resemblance(ReadOnlySpan<uint> a, ReadOnlySpan<uint> b)
    {
        int equal = 0;
        for (int i = 0; i < a.Length; i++)
            equal += a[i] == b[i] ? 1 : 0;
        return (double)equal / a.Length;
    }

    /// <summary>Computes the MinHash signature: for each permutation, the smallest hash of all shingles.</summary>
    internal static uint[] Signature(string text)
    {
        var signature = new uint[Bands * Rows];
        Array.Fill(signature, uint.MaxValue);
        foreach (ulong shingle in Shingles(text))
            for (int i = 0; i < signature.Length; i++)
                signature[i] = Math.Min(signature[i], (uint)(SplitMix64.At(shingle, (ulong)i) >> 32));
        return signature;
    }

    private static IEnumerable<ulong> Shingles(string text)
    {
        string[] words = text.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        bool spaced = words.Length > WordsInShingle && text.Length < 20 * words.Length;
        string[] units = spaced ? words : [.. string.Concat(words).Select(c => c.ToString())];
        int width = spaced ? WordsInShingle : CharactersInShingle;
        for (int i = 0; i <= Math.Max(0, units.Length - width); i++)
            yield return ContentHash.Of(string.Join(' ', units.AsSpan(i, Math.Min(width, units.Length - i))!));
    }
}
