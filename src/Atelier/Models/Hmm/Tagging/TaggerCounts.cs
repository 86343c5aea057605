using Atelier.Data.Tagged;

namespace Atelier.Models.Hmm.Tagging;

/// <summary>The counts of a tagger's training data: trigrams of tags, and the tags of each word.</summary>
/// <param name="Tags">The tags. In the counts, two more follow them: the start and the end of a sentence.</param>
/// <param name="Trigrams">[(tags + 2)³]: how often a tag followed two others.</param>
/// <param name="Words">The words of the training data.</param>
/// <param name="WordTags">[word, tag]: how often the word had the tag.</param>
internal sealed record TaggerCounts(IReadOnlyList<string> Tags, int[] Trigrams, IReadOnlyList<string> Words,
    int[] WordTags)
{
    /// <summary>The number of tags including the start and the end of a sentence.</summary>
    public int Symbols => Tags.Count + 2;

    /// <summary>Counts the words and tags of sentences.</summary>
    /// <exception cref="AtelierException">No word has a tag.</exception>
    public static TaggerCounts Count(IReadOnlyList<TaggedSentence> sentences)
    {
        string[] tags = [.. sentences.SelectMany(s => s.Tags).Distinct().Order(StringComparer.Ordinal)];
        if (tags is [] or ["_"])
            throw new AtelierException("no word has a tag", "data.tags", "choose the column that holds the tags");
        string[] words = [.. sentences.SelectMany(s => s.Words).Distinct().Order(StringComparer.Ordinal)];
        var tagNumbers = tags.Select((tag, i) => (tag, i)).ToDictionary(pair => pair.tag, pair => pair.i);
        var wordNumbers = words.Select((word, i) => (word, i)).ToDictionary(pair => pair.word, pair => pair.i);
        int symbols = tags.Length + 2, start = tags.Length, end = tags.Length + 1;
        int[] trigrams = new int[symbols * symbols * symbols], wordTags = new int[words.Length * tags.Length];
        foreach (TaggedSentence sentence in sentences)
        {
            (int a, int b) = (start, start);
            for (int i = 0; i <= sentence.Tags.Count; i++)
            {
                int tag = i < sentence.Tags.Count ? tagNumbers[sentence.Tags[i]] : end;
                trigrams[(((a * symbols) + b) * symbols) + tag]++;
                (a, b) = (b, tag);
                if (i < sentence.Tags.Count)
                    wordTags[(wordNumbers[sentence.Words[i]] * tags.Length) + tag]++;
            }
        }
        return new TaggerCounts(tags, trigrams, words, wordTags);
    }

    /// <summary>
    /// Computes the probabilities of a first-order chain of tags: of each tag at the start of a sentence [tags], of
    /// each tag after another [tags, tags], and of the end of the sentence after each tag [tags].
    /// </summary>
    public (double[] Starts, double[] Transitions, double[] Ends) FirstOrder()
    {
        int s = Symbols, tags = Tags.Count;
        double[] bigrams = new double[s * s], contexts = new double[s];
        for (int at = 0; at < Trigrams.Length; at++)
        {
            bigrams[at % (s * s)] += Trigrams[at];
            contexts[at / s % s] += Trigrams[at];
        }
        double Share(int before, int after) => bigrams[(before * s) + after] / Math.Max(1, contexts[before]);
        return ([.. Enumerable.Range(0, tags).Select(tag => Share(tags, tag))],
            [.. from before in Enumerable.Range(0, tags) from after in Enumerable.Range(0, tags)
                select Share(before, after)],
            [.. Enumerable.Range(0, tags).Select(tag => Share(tag, tags + 1))]);
    }

    /// <summary>
    /// Computes the probability of a tag after two others, [(tags + 2)³]: a mixture of unigram, bigram and trigram
    /// probabilities whose weights come from deleted interpolation (Brants 2000, figure 1).
    /// </summary>
    /// <param name="order">The number of previous tags to condition on: 1 for bigrams, 2 for trigrams.</param>
    public double[] Transitions(int order)
    {
        int s = Symbols;
        double[] unigrams = new double[s], bigrams = new double[s * s], contexts = new double[s];
        double total = 0;
        for (int ab = 0; ab < s * s; ab++)
        {
            for (int c = 0; c < s; c++)
            {
                int count = Trigrams[(ab * s) + c];
                unigrams[c] += count;
                bigrams[(ab % s * s) + c] += count;
                contexts[ab % s] += count;
                total += count;
            }
        }
        Span<double> weights = stackalloc double[3];
        for (int ab = 0; ab < s * s; ab++)
        {
            double context = 0;
            for (int c = 0; c < s; c++)
                context += Trigrams[(ab * s) + c];
            for (int c = 0; c < s; c++)
            {
                double count = Trigrams[(ab * s) + c];
                if (count == 0)
                    continue;
                int b = ab % s;
                double three = order == 2 && context > 1 ? (count - 1) / (context - 1) : 0;
                double two = contexts[b] > 1 ? (bigrams[(b * s) + c] - 1) / (contexts[b] - 1) : 0;
                double one = (unigrams[c] - 1) / (total - 1);
                weights[three >= two && three >= one && order == 2 ? 2 : two >= one ? 1 : 0] += count;
            }
        }
        double sum = weights[0] + weights[1] + weights[2];
        double[] transitions = new double[s * s * s];
        for (int ab = 0; ab < s * s; ab++)
        {
            double context = 0;
            for (int c = 0; c < s; c++)
                context += Trigrams[(ab * s) + c];
            int b = ab % s;
            for (int c = 0; c < s; c++)
            {
                // Contexts that never occurred back off to shorter ones.
                double one = (unigrams[c] + 0.01) / (total + (0.01 * s));
                double two = contexts[b] > 0 ? bigrams[(b * s) + c] / contexts[b] : one;
                double three = context > 0 ? Trigrams[(ab * s) + c] / context : two;
                transitions[(ab * s) + c] = ((weights[0] * one) + (weights[1] * two) + (weights[2] * three)) / sum;
            }
        }
        return transitions;
    }
}
