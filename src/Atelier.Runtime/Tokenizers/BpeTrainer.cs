using System.Runtime.InteropServices;

namespace Atelier.Tokenizers;

/// <summary>
/// Learns the merges of byte pair encoding (Sennrich et al. 2016, algorithm 1): counts words on all cores, then
/// repeatedly merges the most frequent pair, updating only the words that contain it.
/// </summary>
internal static class BpeTrainer
{
    /// <summary>
    /// Learns at most <paramref name="mergeCount"/> merges of bytes. Of equally frequent pairs the one with lower ids
    /// is merged first, so that the result does not depend on the number of threads.
    /// </summary>
    public static List<(byte[] Left, byte[] Right)> Learn(IEnumerable<string> documents, int mergeCount, int threads,
        CancellationToken cancellation)
    {
        (string[] words, long[] counts) = WordCounts.Of(documents, CountWords, threads, cancellation);
        int[][] symbols = [.. words.Select(word => Wtf8.Encode(word).Select(value => (int)value).ToArray())];
        List<byte[]> tokens = [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value })];
        var merges = new List<(byte[], byte[])>(mergeCount);
        foreach ((int left, int right) in Merge(symbols, counts, tokens.Count, mergeCount, cancellation))
        {
            merges.Add((tokens[left], tokens[right]));
            tokens.Add([.. tokens[left], .. tokens[right]]);
        }
        return merges;
    }

    /// <summary>Learns at most <paramref name="mergeCount"/> merges of the symbols of words.</summary>
    /// <param name="words">The symbols of each word; overwritten.</param>
    /// <param name="counts">The number of occurrences of each word.</param>
    /// <param name="symbolCount">The number of different symbols. Merge n gives symbol symbolCount + n.</param>
    /// <param name="mergeCount">The greatest number of merges.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static List<(int Left, int Right)> Merge(int[][] words, long[] counts, int symbolCount, int mergeCount,
        CancellationToken cancellation)
    {
        var pairs = new Dictionary<long, Pair>();
        for (int word = 0; word < words.Length; word++)
        {
            for (int i = 0; i + 1 < words[word].Length; i++)
                Change(pairs, words[word][i], words[word][i + 1], counts[word], word);
        }
        // Entries of the queue may be outdated, so their counts are checked when they are dequeued.
        var queue = new PriorityQueue<long, (long MinusCount, long Key)>(
            pairs.Select(p => (p.Key, (-p.Value.Count, p.Key))));

        var merges = new List<(int Left, int Right)>(mergeCount);
        var changed = new HashSet<long>();
        while (merges.Count < mergeCount && queue.TryDequeue(out long key, out var priority))
        {
            cancellation.ThrowIfCancellationRequested();
            if (!pairs.TryGetValue(key, out Pair? pair))
                continue; // already merged
            if (pair.Count != -priority.MinusCount)
            {
                if (pair.Count > 0)
                    queue.Enqueue(key, (-pair.Count, key));
                continue;
            }
            if (pair.Count < 2)
                break; // a pair that occurs once is not a pattern
            int left = (int)(key >> 32), right = (int)key, joined = symbolCount + merges.Count;
            merges.Add((left, right));
            changed.Clear();
            foreach (int word in pair.Words)
                words[word] = Join(words[word], left, right, joined, counts[word], word, pairs, changed);
            pairs.Remove(key);
            changed.Remove(key);
            foreach (long other in changed)
            {
                if (pairs.TryGetValue(other, out Pair? next) && next.Count > 0)
                    queue.Enqueue(other, (-next.Count, other));
            }
        }
        return merges;
    }

    /// <summary>Merges a pair in one word and updates the counts of the neighbouring pairs.</summary>
    private static int[] Join(int[] word, int left, int right, int joined, long count, int index,
        Dictionary<long, Pair> pairs, HashSet<long> changed)
    {
        var result = new List<int>(word.Length);
        for (int i = 0; i < word.Length; i++)
        {
            if (word[i] != left || i + 1 >= word.Length || word[i + 1] != right)
            {
                result.Add(word[i]);
                continue;
            }
            if (result.Count > 0)
            {
                // The pair with the symbol before, which may itself have just been merged.
                changed.Add(Change(pairs, result[^1], left, -count, index));
                changed.Add(Change(pairs, result[^1], joined, count, index));
            }
            if (i + 2 < word.Length)
            {
                changed.Add(Change(pairs, right, word[i + 2], -count, index));
                changed.Add(Change(pairs, joined, word[i + 2], count, index));
            }
            result.Add(joined);
            i++;
        }
        return result.Count == word.Length ? word : [.. result];
    }

    private static long Change(Dictionary<long, Pair> pairs, int left, int right, long by, int word)
    {
        long key = ((long)left << 32) | (uint)right;
        ref Pair? pair = ref CollectionsMarshal.GetValueRefOrAddDefault(pairs, key, out _);
        pair ??= new Pair();
        pair.Count += by;
        if (by > 0 && (pair.Words.Count == 0 || pair.Words[^1] != word))
            pair.Words.Add(word);
        return key;
    }

    private static void CountWords(ReadOnlySpan<char> text, Dictionary<string, long> counts)
    {
        for (int length; !text.IsEmpty; text = text[length..])
        {
            length = WordSplitter.First(text);
            WordCounts.Add(counts, text[..length]);
        }
    }

    /// <summary>The number of occurrences of a pair, and the words that contained it when it was counted.</summary>
    private sealed class Pair
    {
        public long Count { get; set; }

        public List<int> Words { get; } = [];
    }
}
