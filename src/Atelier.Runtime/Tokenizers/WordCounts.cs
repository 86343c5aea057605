using System.Runtime.InteropServices;

namespace Atelier.Tokenizers;

/// <summary>Counts the words of a piece of text.</summary>
internal delegate void PieceCounter(ReadOnlySpan<char> piece, Dictionary<string, long> counts);

/// <summary>Counts the words of training text on several cores.</summary>
internal static class WordCounts
{
    private const int PieceLength = 1 << 20; // number of characters that a task counts at a time
    private const int Shares = 32; // a constant, so that sums of floating-point numbers do not depend on the cores
    private const double Coverage = 0.9995; // of the characters, as in SentencePiece (Kudo and Richardson 2018)

    /// <summary>
    /// Returns the words in ordinal order, so that the result does not depend on the order of threads.
    /// </summary>
    public static (string[] Words, long[] Counts) Of(IEnumerable<string> documents, PieceCounter count, int threads,
        CancellationToken cancellation)
    {
        var total = new Dictionary<string, long>();
        Parallel.ForEach(
            documents.SelectMany(Pieces),
            Options(threads, cancellation),
            () => new Dictionary<string, long>(),
            (piece, state, counts) =>
            {
                count(piece.Span, counts);
                return counts;
            },
            counts =>
            {
                lock (total)
                {
                    foreach ((string word, long number) in counts)
                        CollectionsMarshal.GetValueRefOrAddDefault(total, word, out _) += number;
                }
            });
        string[] words = [.. total.Keys.Order(StringComparer.Ordinal)];
        return (words, [.. words.Select(word => total[word])]);
    }

    /// <summary>Counts one word.</summary>
    public static void Add(Dictionary<string, long> counts, ReadOnlySpan<char> word, long number = 1) =>
        CollectionsMarshal.GetValueRefOrAddDefault(counts.GetAlternateLookup<ReadOnlySpan<char>>(), word, out _) +=
            number;

    /// <summary>
    /// Returns the symbols of an alphabet: the most frequent ones that make up 99.95 % of the text, in ordinal order.
    /// </summary>
    /// <param name="counts">The number of occurrences of each symbol.</param>
    /// <param name="room">The number of tokens that the vocabulary has left for them.</param>
    /// <exception cref="AtelierException">There are more of them than fit.</exception>
    public static string[] Alphabet(Dictionary<string, long> counts, int room)
    {
        double most = Coverage * counts.Values.Sum();
        long covered = 0;
        List<string> alphabet = [];
        foreach ((string symbol, long count) in counts.OrderByDescending(c => c.Value)
            .ThenBy(c => c.Key, StringComparer.Ordinal))
        {
            if (covered >= most)
                break;
            covered += count;
            alphabet.Add(symbol);
        }
        if (alphabet.Count > room)
            throw new AtelierException($"the text has {alphabet.Count} different characters, and the vocabulary has "
                + $"room for {Math.Max(room, 0)}", hint: "choose a larger vocabulary, or byte pair encoding");
        return [.. alphabet.Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Divides <paramref name="count"/> items into parts, works on the parts on several cores, and returns the results
    /// in order. The division does not depend on the number of threads.
    /// </summary>
    public static T[] Share<T>(int count, int threads, CancellationToken cancellation, Func<int, int, T> work)
    {
        var results = new T[Math.Clamp(count, 1, Shares)];
        Parallel.For(0, results.Length, Options(threads, cancellation), part => results[part] =
            work((int)((long)count * part / results.Length), (int)((long)count * (part + 1) / results.Length)));
        return results;
    }

    private static ParallelOptions Options(int threads, CancellationToken cancellation) => new()
    {
        MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads, CancellationToken = cancellation,
    };

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
}
