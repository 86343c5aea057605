using System.Runtime.InteropServices;

namespace Atelier.Tokenizers;

/// <summary>Finds the frequent substrings of words with which unigram training starts.</summary>
internal static class UnigramSeeds
{
    private const int LongestPiece = 16; // characters, as in SentencePiece

    /// <summary>
    /// Returns the substrings of 2 to 16 characters that occur at least twice, at most <paramref name="most"/>, by
    /// count times length. A substring that occurs only within one that is a character longer is left out, as the
    /// longer one serves.
    /// </summary>
    /// <remarks>
    /// Level by level: a substring of n + 1 characters is frequent only if both of its substrings of n characters are,
    /// and these two identify it.
    /// </remarks>
    public static List<(string Text, long Count)> Find(string[] words, long[] counts, string[] alphabet, int most,
        int threads, CancellationToken cancellation)
    {
        Dictionary<string, int> ids = alphabet.Select((symbol, id) => (symbol, id)).ToDictionary();
        // By word and place: the id of the frequent substring of this level that begins there, or -1.
        int[][] level =
            [.. words.Select(word => word.EnumerateRunes().Select(rune => ids[rune.ToString()]).ToArray())];
        string[] last = alphabet; // by id: the last character
        string[] texts = alphabet;
        long[] frequency = [];
        List<(string Text, long Count)> seeds = [];
        for (int length = 2; length <= LongestPiece && texts.Length > 0; length++)
        {
            Dictionary<long, long> pairs = CountPairs(level, counts, threads, cancellation);
            (long Key, long Count)[] frequent = [.. pairs.Where(pair => pair.Value >= 2)
                .OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Take(most)
                .Select(pair => (pair.Key, pair.Value))];
            if (length > 2)
            {
                var within = new bool[texts.Length];
                foreach ((long key, long count) in frequent)
                {
                    within[Left(key)] |= frequency[Left(key)] == count;
                    within[Right(key)] |= frequency[Right(key)] == count;
                }
                AddSeeds(within);
            }
            var next = new Dictionary<long, int>(frequent.Length);
            foreach ((long key, _) in frequent)
                next.Add(key, next.Count);
            for (int word = 0; word < level.Length; word++)
                level[word] = Advance(level[word], next);
            texts = [.. frequent.Select(pair => texts[Left(pair.Key)] + last[Right(pair.Key)])];
            last = [.. frequent.Select(pair => last[Right(pair.Key)])];
            frequency = [.. frequent.Select(pair => pair.Count)];
        }
        AddSeeds(new bool[texts.Length]);
        return [.. seeds.OrderByDescending(seed => seed.Count * seed.Text.Length)
            .ThenBy(seed => seed.Text, StringComparer.Ordinal).Take(most)];

        void AddSeeds(bool[] without)
        {
            for (int id = 0; id < frequency.Length; id++)
            {
                if (!without[id])
                    seeds.Add((texts[id], frequency[id]));
            }
        }
    }

    private static Dictionary<long, long> CountPairs(int[][] level, long[] counts, int threads,
        CancellationToken cancellation)
    {
        Dictionary<long, long>[] shares = WordCounts.Share(level.Length, threads, cancellation, (from, to) =>
        {
            var pairs = new Dictionary<long, long>();
            for (int word = from; word < to; word++)
            {
                int[] ids = level[word];
                for (int at = 0; at + 1 < ids.Length; at++)
                {
                    if (ids[at] >= 0 && ids[at + 1] >= 0)
                        CollectionsMarshal.GetValueRefOrAddDefault(pairs, Key(ids[at], ids[at + 1]), out _) +=
                            counts[word];
                }
            }
            return pairs;
        });
        foreach (Dictionary<long, long> share in shares.Skip(1))
        {
            foreach ((long key, long count) in share)
                CollectionsMarshal.GetValueRefOrAddDefault(shares[0], key, out _) += count;
        }
        return shares[0];
    }

    private static int[] Advance(int[] ids, Dictionary<long, int> next)
    {
        var result = new int[Math.Max(ids.Length - 1, 0)];
        for (int at = 0; at < result.Length; at++)
        {
            result[at] = ids[at] >= 0 && ids[at + 1] >= 0 && next.TryGetValue(Key(ids[at], ids[at + 1]), out int id)
                ? id : -1;
        }
        return result;
    }

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;

    private static int Left(long key) => (int)(key >> 32);

    private static int Right(long key) => (int)key;
}
