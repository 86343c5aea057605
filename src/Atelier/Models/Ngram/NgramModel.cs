using System.Buffers;
using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Data.Text;

namespace Atelier.Models.Ngram;

/// <summary>
/// An n-gram model, the baseline of text models. The probability of a token interpolates its frequency after the last
/// n − 1 tokens, after the last n − 2, and so on to the empty context and the uniform distribution over the vocabulary.
/// Safe for concurrent use.
/// </summary>
public sealed class NgramModel : ILanguageModel
{
    private const int ScoredAtOnce = 1 << 12; // tokens of one parallel work item
    private const int PieceLength = 1 << 26; // documents are counted in pieces of so many tokens
    private readonly int[] _counts; // [nodes]: occurrences, or for Kneser-Ney continuation counts
    private readonly int[] _totals; // [nodes]: the sum of the children's counts
    private readonly int[] _types; // [nodes]: the number of children with a count above zero
    private readonly int _mostFrequent; // the likeliest token after the empty context
    private readonly double[][] _discounts; // [order + 1][4]: the Kneser-Ney discount by length and count of an n-gram
    private readonly double[] _removed; // [nodes]: the sum of the children's discounts
    // [nodes]: the probability of the likeliest token after each, NaN until it is computed
    private readonly Lazy<double[]> _highest;

    /// <summary>Creates a model from counts.</summary>
    /// <param name="trie">The n-grams with their counts.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="vocabularySize">The number of token ids.</param>
    /// <exception cref="AtelierException">The counts hold a token outside the vocabulary, or are damaged.</exception>
    internal NgramModel(NgramTrie trie, NgramConfig config, int vocabularySize)
    {
        if (trie.Tokens.Max() >= vocabularySize)
            throw new AtelierException($"it counts the token {trie.Tokens.Max()}, but the vocabulary has "
                + $"{vocabularySize}",
                hint: "download the bundle again");
        Trie = trie;
        Config = config;
        VocabularySize = vocabularySize;
        bool kneserNey = config.Smoothing != NgramSmoothing.WittenBell;
        int[] depths = Depths(trie);
        _counts = kneserNey ? ContinuationCounts(trie, depths, config.Order) : trie.Counts;
        _discounts = kneserNey
            ? NgramDiscounts.Of(depths, _counts, config.Order, config.Smoothing == NgramSmoothing.ModifiedKneserNey)
            : [];
        _removed = new double[kneserNey ? trie.Tokens.Length : 0];
        _totals = new int[trie.Tokens.Length];
        _types = new int[trie.Tokens.Length];
        for (int node = 0; node < _totals.Length; node++)
        {
            (int from, int to) = (trie.FirstChild[node], trie.FirstChild[node + 1]);
            for (int child = from; child < to; child++)
            {
                _totals[node] += _counts[child];
                _types[node] += _counts[child] > 0 ? 1 : 0;
                if (kneserNey)
                    _removed[node] += Discount(depths[child], _counts[child]);
            }
        }
        _highest = new Lazy<double[]>(() =>
        {
            double[] unknown = new double[trie.Tokens.Length];
            Array.Fill(unknown, double.NaN);
            return unknown;
        });
        _mostFrequent =
            trie.Tokens[Enumerable.Range(1, trie.FirstChild[1] - 1).DefaultIfEmpty(0).MaxBy(node => _counts[node])];
    }

    /// <summary>The configuration.</summary>
    public NgramConfig Config { get; }

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <inheritdoc/>
    public int ContextLength => int.MaxValue;

    /// <summary>Always true: scoring and decoding only read the counts.</summary>
    public bool RunsInParallel => true;

    /// <summary>The n-grams with their counts.</summary>
    internal NgramTrie Trie { get; }

    /// <summary>Trains a model by counting a corpus.</summary>
    /// <param name="train">The corpus.</param>
    /// <param name="config">The order and the smoothing method.</param>
    /// <param name="vocabularySize">The number of token ids, over which the uniform distribution is.</param>
    /// <param name="startId">The token that precedes each document. A corpus without an end-of-text token is a part of
    /// one document, which nothing precedes; its own first token serves as context only.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static NgramModel Count(TokenFile train, NgramConfig config, int vocabularySize, int startId,
        CancellationToken cancellation = default) =>
        new(NgramTrie.Count(Documents(train, startId), config.Order, cancellation), config, vocabularySize);

    /// <inheritdoc/>
    public IDecodingState CreateState(int sequences) => new State(this, sequences);

    /// <inheritdoc/>
    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default)
    {
        TokenScore[][] scores = [.. sequences.Select(tokens => new TokenScore[tokens.Length - 1])];
        // There may be only one long document, so documents are cut into independent pieces for parallel scoring.
        (int Row, int From)[] pieces = [.. scores.SelectMany((row, number) =>
            Enumerable.Range(0, (row.Length + ScoredAtOnce - 1) / ScoredAtOnce)
                .Select(piece => (number, piece * ScoredAtOnce)))];
        Parallel.For(0, pieces.Length, new ParallelOptions { CancellationToken = cancellation }, piece =>
        {
            (int row, int from) = pieces[piece];
            ReadOnlySpan<int> tokens = sequences[row].Span;
            Span<int> buffer = stackalloc int[Config.Order];
            for (int i = from; i < Math.Min(scores[row].Length, from + ScoredAtOnce); i++)
            {
                ReadOnlySpan<int> contexts = Contexts(tokens[..(i + 1)], buffer);
                double probability = Mix(contexts, tokens[i + 1]);
                scores[row][i] = new TokenScore(Math.Log(probability), probability >= Highest(contexts));
            }
        });
        return scores;
    }

    /// <summary>Returns the probability of a token given the tokens before it.</summary>
    /// <param name="context">The tokens before it, of which the last Order − 1 are used.</param>
    /// <param name="token">The token.</param>
    public double Probability(ReadOnlySpan<int> context, int token) =>
        Mix(Contexts(context, stackalloc int[Config.Order]), token);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Arrays only.
    }

    /// <summary>Reads the documents of a corpus, each preceded by the start token if it is complete.</summary>
    private static IEnumerable<ReadOnlyMemory<int>> Documents(TokenFile train, int startId)
    {
        for (long index = 0; index < train.DocumentCount; index++)
        {
            DocumentEntry document = train.Document(index);
            bool whole = train.EndOfTextId is not null;
            for (long at = 0; at < document.Length; at += PieceLength)
            {
                int length = (int)Math.Min(PieceLength, document.Length - at);
                int[] tokens = new int[whole && at == 0 ? length + 1 : length];
                tokens[0] = startId;
                train.Read(document.Start + at, tokens.AsSpan(tokens.Length - length));
                yield return tokens;
            }
        }
    }

    /// <summary>Finds the nodes of the context's suffixes that occurred, from the empty one to the longest.</summary>
    private ReadOnlySpan<int> Contexts(ReadOnlySpan<int> context, Span<int> nodes)
    {
        int count = 0;
        for (int length = 0; length <= Math.Min(context.Length, Config.Order - 1); length++)
        {
            int node = Trie.Find(context[^length..]);
            if (node < 0 || _totals[node] == 0)
                break;
            nodes[count++] = node;
        }
        return nodes[..count];
    }

    /// <summary>
    /// Interpolates the estimates of all contexts, from the uniform distribution to the longest context.
    /// </summary>
    private double Mix(ReadOnlySpan<int> contexts, int token)
    {
        double probability = 1.0 / VocabularySize;
        for (int length = 0; length < contexts.Length; length++)
        {
            int node = contexts[length], child = Trie.Child(node, token);
            probability = Estimate(node, length, child < 0 ? 0 : _counts[child], probability);
        }
        return probability;
    }

    /// <summary>Estimates the probability of a token after a context.</summary>
    /// <param name="node">The node of the context.</param>
    /// <param name="length">The number of tokens of the context.</param>
    /// <param name="count">The count of the token after the context.</param>
    /// <param name="shorter">The estimate for the context that is one token shorter.</param>
    private double Estimate(int node, int length, double count, double shorter)
    {
        // Chen and Goodman 1999, eq. 14 and 15
        if (Config.Smoothing == NgramSmoothing.WittenBell)
            return (count + _types[node] * shorter) / (_totals[node] + (double)_types[node]);
        // Chen and Goodman 1999, eq. 19 and 26: the mass that the discounts remove goes to the shorter context
        return (count - Discount(length + 1, count) + (_removed[node] * shorter)) / _totals[node];
    }

    private double Discount(int length, double count) =>
        _discounts[length][(int)Math.Min(count, NgramDiscounts.Most)];

    /// <summary>
    /// Returns the probability of the likeliest token. After a context, this is either a token that followed it or the
    /// likeliest token after the context that is one token shorter. The result is cached for each context.
    /// </summary>
    private double Highest(ReadOnlySpan<int> contexts)
    {
        double[] known = _highest.Value;
        if (contexts.Length == 0)
            return Mix(contexts, _mostFrequent);
        double highest = Volatile.Read(ref known[contexts[^1]]);
        if (!double.IsNaN(highest))
            return highest;
        highest = Mix(contexts[..1], _mostFrequent);
        for (int length = 1; length < contexts.Length; length++)
        {
            int node = contexts[length];
            double here = Volatile.Read(ref known[node]);
            if (double.IsNaN(here))
            {
                here = Estimate(node, length, 0, highest);
                for (int child = Trie.FirstChild[node]; child < Trie.FirstChild[node + 1]; child++)
                    here = Math.Max(here, Mix(contexts[..(length + 1)], Trie.Tokens[child]));
                Volatile.Write(ref known[node], here); // concurrent threads compute the same value
            }
            highest = here;
        }
        return highest;
    }

    /// <summary>
    /// Computes the log-probabilities of all tokens. It visits the followers of each context instead of looking up
    /// every token in every context.
    /// </summary>
    private void Fill(ReadOnlySpan<int> contexts, Span<float> logits)
    {
        double[] all = ArrayPool<double>.Shared.Rent(VocabularySize);
        Span<double> probabilities = all.AsSpan(0, VocabularySize);
        probabilities.Fill(1.0 / VocabularySize);
        for (int length = 0; length < contexts.Length; length++)
        {
            int node = contexts[length], first = Trie.FirstChild[node];
            ReadOnlySpan<int> followers = Trie.Tokens.AsSpan()[Trie.Children(node)];
            double[] counted = ArrayPool<double>.Shared.Rent(followers.Length);
            for (int i = 0; i < followers.Length; i++)
                counted[i] = Estimate(node, length, _counts[first + i], probabilities[followers[i]]);
            for (int token = 0; token < probabilities.Length; token++)
                probabilities[token] = Estimate(node, length, 0, probabilities[token]);
            for (int i = 0; i < followers.Length; i++)
                probabilities[followers[i]] = counted[i];
            ArrayPool<double>.Shared.Return(counted);
        }
        for (int token = 0; token < probabilities.Length; token++)
            logits[token] = (float)Math.Log(probabilities[token]);
        ArrayPool<double>.Shared.Return(all);
    }

    private static int[] Depths(NgramTrie trie)
    {
        int[] depths = new int[trie.Tokens.Length];
        for (int node = 0; node < depths.Length; node++)
            depths.AsSpan()[trie.Children(node)].Fill(depths[node] + 1);
        return depths;
    }

    /// <summary>
    /// Computes the continuation counts of Kneser-Ney smoothing: for n-grams shorter than the order, the number of
    /// different tokens that precede them. N-grams that nothing precedes, at the start of documents, keep their count.
    /// </summary>
    private static int[] ContinuationCounts(NgramTrie trie, int[] depths, int order)
    {
        int[] suffixes = new int[depths.Length], counts = new int[depths.Length];
        for (int node = 0; node < depths.Length; node++)
        {
            for (int child = trie.FirstChild[node]; child < trie.FirstChild[node + 1]; child++)
            {
                if (node == 0)
                    continue; // the suffix of a unigram is the empty n-gram
                suffixes[child] = trie.Child(suffixes[node], trie.Tokens[child]);
                if (suffixes[child] < 0)
                    throw new AtelierException("the suffix of an n-gram is missing: the file is damaged",
                        hint: "download the bundle again");
                counts[suffixes[child]] += trie.Counts[child] > 0 ? 1 : 0;
            }
        }
        for (int node = 1; node < depths.Length; node++)
        {
            if (depths[node] == order || counts[node] == 0)
                counts[node] = trie.Counts[node];
        }
        return counts;
    }

    /// <summary>The decoding state of several sequences: their last tokens.</summary>
    private sealed class State(NgramModel model, int sequences) : IDecodingState
    {
        private List<int>[] _tokens = [.. Enumerable.Range(0, sequences).Select(_ => new List<int>())];

        public int Sequences => _tokens.Length;

        public int Length { get; private set; }

        public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            int each = tokens.Length / Sequences, vocabulary = model.VocabularySize;
            Length += each;
            Span<int> buffer = stackalloc int[model.Config.Order];
            for (int row = 0; row < Sequences; row++)
            {
                List<int> last = _tokens[row];
                last.AddRange(tokens.Slice(row * each, each));
                if (last.Count >= model.Config.Order)
                    last.RemoveRange(0, last.Count - model.Config.Order + 1);
                ReadOnlySpan<int> contexts = model.Contexts(CollectionsMarshal.AsSpan(last), buffer);
                model.Fill(contexts, logits.Slice(row * vocabulary, vocabulary));
            }
        }

        public void Select(ReadOnlySpan<int> parents)
        {
            var selected = new List<int>[parents.Length];
            for (int i = 0; i < selected.Length; i++)
                selected[i] = [.. _tokens[parents[i]]];
            _tokens = selected;
        }

        public void Dispose()
        {
            // Lists only.
        }
    }
}
