using System.Globalization;
using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data.Tagged;
using Atelier.Generation;
using Atelier.Models.Hmm.Inference;
using Atelier.Recipes;
using Atelier.Tasks.Tagged;

namespace Atelier.Models.Hmm.Tagging;

/// <summary>
/// A part-of-speech tagger: a hidden Markov model whose states are tags or pairs of tags (Thede and Harper 1999),
/// estimated from the counts of tagged sentences. The probability of a word given a tag is computed by Bayes' rule from
/// the probability of the tag given the word, so that the form of rare and unknown words can predict their tags.
/// </summary>
internal sealed class HmmTagger : ITrainedModel, ITagger, IGenerator, IExplainable
{
    private const double FormWeight = 1; // pseudo-count of the tags that a word's form predicts
    private const double LeastShare = 1e-5; // tags below this fraction of the likeliest tag's probability are skipped
    private const int LongestDrawn = 100;

    private readonly TaggerCounts _counts;
    private readonly double[] _transitions; // [before, last, next], each of tags + 2
    private readonly double[] _tagShares;
    private readonly Dictionary<string, int> _words;
    private readonly UnknownWords _unknown;
    private readonly TagDecoding _decoding;
    private readonly double _total, _once; // the number of word occurrences, and of words that occur once

    /// <summary>Creates a tagger from counts.</summary>
    /// <param name="counts">The counts of the training data.</param>
    /// <param name="config">The order of the model, the longest suffix and the decoding.</param>
    /// <param name="column">The column of CoNLL-U files that the tags come from.</param>
    public HmmTagger(TaggerCounts counts, HmmConfig config, TagColumn column = TagColumn.Upos)
    {
        _counts = counts;
        Column = column;
        _decoding = config.Decoding;
        _transitions = counts.Transitions(config.Order);
        _unknown = new UnknownWords(counts, config.SuffixLength);
        _words = counts.Words.Select((word, i) => (word, i)).ToDictionary(pair => pair.word, pair => pair.i);
        _tagShares = new double[Tags.Count];
        for (int i = 0; i < counts.WordTags.Length; i++)
            _tagShares[i % Tags.Count] += counts.WordTags[i];
        _total = _tagShares.Sum();
        _tagShares = Array.ConvertAll(_tagShares, count => Math.Max(count, 0.5) / _total);
        _once = Math.Max(1, Enumerable.Range(0, _words.Count).Count(word => Occurrences(word) == 1));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Tags => _counts.Tags;

    /// <inheritdoc/>
    public TagColumn Column { get; }

    /// <summary>The counts of the training data.</summary>
    public TaggerCounts Counts => _counts;

    /// <inheritdoc/>
    public bool? Knows(string word) => _words.ContainsKey(word);

    /// <inheritdoc/>
    public (IReadOnlyList<string> Tags, double? LogLikelihood) Tag(IReadOnlyList<string> words,
        IReadOnlyDictionary<int, string>? known = null)
    {
        if (words.Count == 0)
            return ([], 0);
        known ??= new Dictionary<int, string>();
        ITagger.Check(known, words.Count, Tags);
        var lattice = new TagLattice(_transitions, _counts.Symbols,
            [.. words.Select((word, i) => Candidates(word, known.GetValueOrDefault(i)))]);
        (int[] posterior, double log) = lattice.Posterior();
        int[] tags = _decoding == TagDecoding.Viterbi ? lattice.Viterbi() : posterior;
        return ([.. tags.Select(tag => Tags[tag])], log);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(states: true);
        await Task.Yield();
        for (int i = 0; i < request.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Sample(SplitMix64.At((ulong)request.Seed, (ulong)i), request.States);
        }
    }

    /// <inheritdoc/>
    public Explanation Explain(CancellationToken cancellation = default)
    {
        const int shown = 10;
        int[] tagIds = [.. Enumerable.Range(0, Tags.Count)], wordIds = [.. Enumerable.Range(0, _words.Count)];
        double[] counts = [.. tagIds.Select(tag => wordIds.Sum(word => (double)Count(word, tag)))];
        (int Word, double Probability)[][] words = [.. tagIds.Select(tag => wordIds
            .Where(word => Count(word, tag) > 0)
            .Select(word => (Word: word, Probability: Count(word, tag) / counts[tag]))
            .OrderByDescending(p => p.Probability)
            .ToArray())];
        string Likeliest(int tag) => string.Join("  ", words[tag].Take(shown).Select(p =>
            string.Create(CultureInfo.InvariantCulture, $"{_counts.Words[p.Word]} {p.Probability:0.000}")));
        (double[] starts, double[] transitions, double[] ends) = _counts.FirstOrder();
        var chain = new ChainExplanation(Tags, starts, transitions, ends, cancellation);
        return new Explanation(string.Create(CultureInfo.InvariantCulture,
            $"a tagger of {Quantity.Of(Tags.Count, "tag")} and {Quantity.Of(_words.Count, "word")}"),
        [
            new("tags", ["tag", "share", "most likely words"],
                [.. tagIds.Select(tag => (IReadOnlyList<CellValue>)
                    [new(Tags[tag]), new(Math.Round(_tagShares[tag], 4)), new(Likeliest(tag))])]),
            new("emission probabilities", ["tag", "word", "probability"],
                [.. from tag in tagIds
                    from p in words[tag].Take(shown * shown)
                    select (IReadOnlyList<CellValue>)
                        [new(Tags[tag]), new(_counts.Words[p.Word]), new(p.Probability)]])
            {
                ForPrograms = true,
            },
            .. chain.Tables,
        ], chain.Pictures())
        {
            Transitions = chain.Matrix,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Arrays only.
    }

    private int Count(int word, int tag) => _counts.WordTags[(word * Tags.Count) + tag];

    private int TagId(string name)
    {
        int index = Tags.ToList().IndexOf(name);
        return index >= 0 ? index
            : throw new AtelierException($"there is no tag '{name}'", Mention.Field("states"),
                $"the tags are {string.Join(", ", Tags)}");
    }

    private int Occurrences(int word)
    {
        int sum = 0;
        foreach (int count in _counts.WordTags.AsSpan(word * Tags.Count, Tags.Count))
            sum += count;
        return sum;
    }

    /// <summary>
    /// The tags that a word may have, each with the probability of the word given the tag. All unknown words share one
    /// probability mass, that of words which occur once.
    /// </summary>
    private (int Tag, double Probability)[] Candidates(string word, string? known)
    {
        double[] tags = _unknown.Tags(word);
        double share = _once / (_total + _once);
        if (_words.TryGetValue(word, out int number))
        {
            double occurrences = Occurrences(number);
            for (int tag = 0; tag < tags.Length; tag++)
                tags[tag] = (Count(number, tag) + (FormWeight * tags[tag])) / (occurrences + FormWeight);
            share = occurrences / (_total + _once);
        }
        if (known is not null)
        {
            int tag = TagId(known);
            return [(tag, tags[tag] * share / _tagShares[tag])];
        }
        double least = tags.Max() * LeastShare;
        return [.. Enumerable.Range(0, tags.Length).Where(tag => tags[tag] >= least)
            .Select(tag => (tag, tags[tag] * share / _tagShares[tag]))];
    }

    /// <summary>
    /// Samples a sentence. Known tags are kept, and the tags between them are sampled given the known ones.
    /// </summary>
    private TaggedSample Sample(ulong seed, IReadOnlyDictionary<int, string> known)
    {
        var random = new SplitMix64(seed);
        int s = _counts.Symbols, start = Tags.Count, end = Tags.Count + 1;
        List<string> words = [], tags = [];
        (int a, int b) = (start, start);
        int last = known.Keys.DefaultIfEmpty(-1).Max();
        while (tags.Count < Math.Max(LongestDrawn, last + 1))
        {
            double[] next = _transitions.AsSpan(((a * s) + b) * s, s).ToArray();
            next[start] = 0;
            if (tags.Count <= last)
                next[end] = 0;
            if (tags.Count < last)
                Weigh(next, b, tags.Count, known);
            int tag = known.TryGetValue(tags.Count, out string? given) ? TagId(given)
                : HmmModel.Sample(next, ref random);
            if (tag == end)
                break;
            double[] weights = [.. Enumerable.Range(0, _words.Count).Select(word => (double)Count(word, tag))];
            words.Add(_counts.Words[HmmModel.Sample(weights, ref random)]);
            tags.Add(Tags[tag]);
            (a, b) = (b, tag);
        }
        return new(words, tags) { Conllu = ConlluFile.Write(new TaggedSentence(words, tags), Column) };
    }

    /// <summary>
    /// Multiplies the probability of each next tag by the probability of reaching the next known tag from there, so
    /// that sampled tags follow the model's distribution given the known ones.
    /// </summary>
    private void Weigh(double[] next, int before, int place, IReadOnlyDictionary<int, string> known)
    {
        int s = _counts.Symbols, tags = Tags.Count;
        int goal = known.Keys.Where(k => k > place).DefaultIfEmpty(-1).Min();
        if (goal < 0)
            return;
        int target = Tags.ToList().IndexOf(known[goal]);
        if (target < 0)
            return; // Sample reports the unknown tag when it reaches its position
        // ahead[b, c]: the probability of the goal given that the last two tags at an earlier position are b and c
        double[] ahead = new double[s * s];
        for (int b = 0; b < s; b++)
        {
            for (int c = 0; c < tags; c++)
                ahead[(b * s) + c] = _transitions[(((b * s) + c) * s) + target];
        }
        for (int at = goal - 2; at >= place; at--)
        {
            double[] earlier = new double[s * s];
            for (int b = 0; b < s; b++)
            {
                for (int c = 0; c < tags; c++)
                {
                    for (int d = 0; d < tags; d++)
                        earlier[(b * s) + c] += _transitions[(((b * s) + c) * s) + d] * ahead[(c * s) + d];
                }
            }
            ahead = earlier;
        }
        for (int c = 0; c < tags; c++)
            next[c] *= ahead[(before * s) + c];
    }
}
