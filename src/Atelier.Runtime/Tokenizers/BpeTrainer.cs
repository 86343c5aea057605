using System.Runtime.InteropServices;

namespace Atelier.Tokenizers;

/// <summary>
/// Learns the merges of byte pair encoding (Sennrich et al. 2016, algorithm 1): counts words on all cores, then
/// repeatedly merges the most frequent pair, updating only the words that contain it.
/// </summary>
internal static class BpeTrainer
{
    private const int PieceLength = 1 << 20; // number of characters that a task counts at a time

    /// <summary>
    /// Learns at most <paramref name="mergeCount"/> merges. Of equally frequent pairs the one with lower ids is merged
    /// first, so that the result does not depend on the number of threads.
    /// </summary>
    public static List<(byte[] Left, byte[] Right)> Learn(IEnumerable<string> documents, int mergeCount, int threads,
        CancellationToken cancellation)
    {
        (int[][] words, long[] counts) =
            CountWords(documents, threads == 0 ? Environment.ProcessorCount : threads, cancellation);
        var pairs = new Dictionary<long, Pair>();
        for (int word = 0; word < words.Length; word++)
        {
            for (int i = 0; i + 1 < words[word].Length; i++)
                Change(pairs, words[word][i], words[word][i + 1], counts[word], word);
        }
        // Entries of the queue may be outdated, so their counts are checked when they are dequeued.
        var queue = new PriorityQueue<long, (long MinusCount, long Key)>(
            pairs.Select(p => (p.Key, (-p.Value.Count, p.Key))));

        List<byte[]> tokens = [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value })];
        var merges = new List<(byte[], byte[])>(mergeCount);
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
            int left = (int)(key >> 32), right = (int)key, joined = tokens.Count;
            tokens.Add([.. tokens[left], .. tokens[right]]);
            merges.Add((tokens[left], tokens[right]));
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

    private static (int[][] Words, long[] Counts) CountWords(IEnumerable<string> documents, int threads,
        CancellationToken cancellation)
    {
        var total = new Dictionary<string, long>();
        Parallel.ForEach(
            documents.SelectMany(Pieces),
            new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation },
            () => new Dictionary<string, long>(),
            (piece, state, counts) =>
            {
                var lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
                for (ReadOnlySpan<char> rest = piece.Span; !rest.IsEmpty;)
                {
                    int length = WordSplitter.First(rest);
                    CollectionsMarshal.GetValueRefOrAddDefault(lookup, rest[..length], out _)++;
                    rest = rest[length..];
                }
                return counts;
            },
            counts =>
            {
                lock (total)
                {
                    foreach ((string word, long count) in counts)
                        CollectionsMarshal.GetValueRefOrAddDefault(total, word, out _) += count;
                }
            });
        // Sorted, so that the result does not depend on the order of the threads.
        string[] words = [.. total.Keys.Order(StringComparer.Ordinal)];
        return ([.. words.Select(word => Wtf8.Encode(word).Select(value => (int)value).ToArray())],
            [.. words.Select(word => total[word])]);
    }

    /// <summary>
    /// Splits a text where white space follows another character, since no word extends across such a place.
    /// </summary>
    private static IEnumerable<ReadOnlyMemory<char>> Pieces(string text)
    {
        int start = 0;
        while (start < text.Length)
        {
            int end = Math.Min(text.Length, start + PieceLength);
            while (end < text.Length && !(char.IsWhiteSpace(text[end]) && !char.IsWhiteSpace(text[end - 1])))
                end++;
            yield return text.AsMemory(start, end - start);
            start = end;
        }
    }

    /// <summary>The number of occurrences of a pair, and the words that contained it when it was counted.</summary>
    private sealed class Pair
    {
        public long Count { get; set; }

        public List<int> Words { get; } = [];
    }
}
