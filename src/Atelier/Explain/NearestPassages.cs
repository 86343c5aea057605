using Atelier.Data.Text;

namespace Atelier.Explain;

/// <summary>A passage of the training data that is similar to a text.</summary>
/// <param name="Share">The share of the text's n-grams that the passage has, 0 to 1, each weighted by how rare it is in
/// the training data.</param>
/// <param name="Document">The number of the document, from 0.</param>
/// <param name="Start">The position of the passage's first token in the training data.</param>
/// <param name="Text">The passage, as long as the text unless its document ends before.</param>
/// <param name="Common">The longest run of tokens that the passage and the text have in common.</param>
public sealed record NearPassage(double Share, long Document, long Start, string Text, string Common);

/// <summary>
/// Finds the passages of a run's training data that are nearest to a text: those that share most n-grams with it, where
/// an n-gram counts log(1 + N/c) if it occurs c times among N tokens.
/// </summary>
/// <param name="data">The data of the run.</param>
public sealed class NearestPassages(TextData data)
{
    private const int BlockLength = 1 << 16;
    private const int MostOccurrences = 100_000; // of an n-gram; what is more frequent says nothing
    private const double Characters = 6; // of an n-gram, about

    /// <summary>
    /// Returns the nearest passages, the nearest first; fewer if fewer share an n-gram with the text.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="count">The number of passages, at least 1. They do not overlap.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The text is empty.</exception>
    public IReadOnlyList<NearPassage> Find(string text, int count, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        int[] ids = data.Tokenizer.Encode(text);
        if (ids.Length == 0)
            throw new AtelierException("the text is empty", Mention.Field("text"), "give at least one token");
        // at most half of a short text, so that it has several
        int usual = (int)Math.Clamp(Math.Ceiling(Characters * ids.Length / text.Length), 2, 8);
        int n = Math.Min(usual, (ids.Length + 1) / 2);
        Dictionary<ulong, int> grams = [];
        for (int i = 0; i + n <= ids.Length; i++)
            grams.TryAdd(Hash(ids.AsSpan(i, n)), grams.Count);
        (List<(long Position, int Gram)> hits, int[] counts) = Search(grams, n, cancellation);
        double[] weights = [.. counts.Select(c => c > MostOccurrences ? 0
            : Math.Log(1 + ((double)data.Train.Count / Math.Max(1, c))))];
        hits.RemoveAll(hit => weights[hit.Gram] == 0);
        return [.. Best(hits, weights, ids.Length, n, count).Select(one => Passage(one, ids, weights.Sum()))];
    }

    /// <summary>Finds the places of n-grams in the training data, in ascending order, and counts them.</summary>
    private (List<(long Position, int Gram)> Hits, int[] Counts) Search(Dictionary<ulong, int> grams, int n,
        CancellationToken cancellation)
    {
        var hits = new List<(long, int)>();
        int[] counts = new int[grams.Count];
        int[] block = new int[BlockLength + n - 1];
        for (long start = 0; start < data.Train.Count; start += BlockLength)
        {
            cancellation.ThrowIfCancellationRequested();
            int read = data.Train.Read(start, block);
            for (int i = 0; i + n <= read; i++)
            {
                if (grams.TryGetValue(Hash(block.AsSpan(i, n)), out int gram) && counts[gram]++ < MostOccurrences)
                    hits.Add((start + i, gram));
            }
        }
        return (hits, counts);
    }

    /// <summary>
    /// The windows with the largest weight of different n-grams, each within a document, which do not overlap.
    /// </summary>
    private List<(double Weight, long Start)> Best(List<(long Position, int Gram)> hits, double[] weights,
        int length, int n, int count)
    {
        var windows = new List<(double Weight, long Start)>(hits.Count);
        int[] inside = new int[weights.Length];
        double weight = 0;
        long end = 0; // of the document
        for (int first = 0, next = 0; first < hits.Count; first++)
        {
            if (hits[first].Position >= end)
            {
                DocumentEntry document = data.Train.Document(data.Train.DocumentAt(hits[first].Position));
                end = document.Start + document.Length;
            }
            long last = Math.Min(hits[first].Position + length, end) - n;
            for (; next < hits.Count && (next == first || hits[next].Position <= last); next++)
            {
                if (inside[hits[next].Gram]++ == 0)
                    weight += weights[hits[next].Gram];
            }
            windows.Add((weight, hits[first].Position));
            if (--inside[hits[first].Gram] == 0)
                weight -= weights[hits[first].Gram];
        }
        windows.Sort((a, b) => a.Weight != b.Weight ? b.Weight.CompareTo(a.Weight) : a.Start.CompareTo(b.Start));
        var best = new List<(double Weight, long Start)>();
        foreach ((double Weight, long Start) window in windows)
        {
            if (best.Count == count)
                break;
            if (best.TrueForAll(one => Math.Abs(one.Start - window.Start) >= length))
                best.Add(window);
        }
        return best;
    }

    private NearPassage Passage((double Weight, long Start) window, int[] ids, double all)
    {
        long number = data.Train.DocumentAt(window.Start);
        DocumentEntry document = data.Train.Document(number);
        int[] passage = new int[(int)Math.Min(ids.Length, document.Start + document.Length - window.Start)];
        data.Train.Read(window.Start, passage);
        // lengths[j] is the length of the run that ends at token i of the text and token j − 1 of the passage
        int[] lengths = new int[passage.Length + 1];
        (int longest, int end) = (0, 0);
        for (int i = 0; i < ids.Length; i++)
        {
            for (int j = passage.Length; j > 0; j--)
            {
                lengths[j] = ids[i] == passage[j - 1] ? lengths[j - 1] + 1 : 0;
                if (lengths[j] > longest)
                    (longest, end) = (lengths[j], i + 1);
            }
        }
        return new(window.Weight / all, number, window.Start,
            data.Tokenizer.Decode(passage), data.Tokenizer.Decode(ids.AsSpan(end - longest, longest)));
    }

    /// <summary>FNV-1a of the tokens.</summary>
    private static ulong Hash(ReadOnlySpan<int> tokens)
    {
        ulong hash = 14695981039346656037;
        foreach (int token in tokens)
            hash = (hash ^ (uint)token) * 1099511628211;
        return hash;
    }
}
