using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm.Tagging;

/// <summary>All taggings of a sentence, over pairs of neighbouring tags: forward, backward and the best path.</summary>
/// <param name="transitions">[before, last, next]; the start of a sentence is symbols − 2, its end symbols − 1.</param>
/// <param name="symbols">Tags with start and end.</param>
/// <param name="candidates">[word]: the tags it may have, with the word's probability in each.</param>
internal sealed class TagLattice(double[] transitions, int symbols, (int Tag, double Probability)[][] candidates)
{
    private readonly int _start = symbols - 2, _end = symbols - 1;

    /// <summary>The likeliest tag at each place, and the log-likelihood of the words.</summary>
    public (int[] Tags, double LogLikelihood) Posterior()
    {
        int length = candidates.Length;
        double[][] forward = new double[length][]; // [word][tag of the word before, tag of the word]
        double log = 0;
        for (int t = 0; t < length; t++)
        {
            forward[t] = new double[Count(t - 1) * Count(t)];
            for (int i = 0; i < Count(t - 1); i++)
            {
                for (int j = 0; j < Count(t); j++)
                {
                    double sum = 0;
                    for (int h = 0; h < Count(t - 2); h++)
                        sum += (t == 0 ? 1 : forward[t - 1][(h * Count(t - 1)) + i]) * Transition(TagAt(t - 2, h),
                            TagAt(t - 1, i), TagAt(t, j));
                    forward[t][(i * Count(t)) + j] = sum * candidates[t][j].Probability;
                }
            }
            double scale = forward[t].Sum();
            log += Math.Log(scale);
            for (int k = 0; k < forward[t].Length; k++)
                forward[t][k] /= scale;
        }
        int[] tags = new int[length];
        double[] backward = new double[forward[^1].Length];
        double ended = 0;
        for (int i = 0; i < Count(length - 2); i++)
        {
            for (int j = 0; j < Count(length - 1); j++)
            {
                int at = (i * Count(length - 1)) + j;
                backward[at] = Transition(TagAt(length - 2, i), TagAt(length - 1, j), _end);
                ended += forward[^1][at] * backward[at];
            }
        }
        for (int t = length - 1; t >= 0; t--)
        {
            double[] posterior = new double[Count(t)];
            for (int k = 0; k < forward[t].Length; k++)
                posterior[k % Count(t)] += forward[t][k] * backward[k];
            tags[t] = TagAt(t, Array.IndexOf(posterior, posterior.Max()));
            if (t == 0)
                break;
            double[] earlier = new double[forward[t - 1].Length];
            for (int h = 0; h < Count(t - 2); h++)
            {
                for (int i = 0; i < Count(t - 1); i++)
                {
                    for (int j = 0; j < Count(t); j++)
                        earlier[(h * Count(t - 1)) + i] += Transition(TagAt(t - 2, h), TagAt(t - 1, i),
                            TagAt(t, j)) * candidates[t][j].Probability * backward[(i * Count(t)) + j];
                }
            }
            double sum = earlier.Sum();
            backward = Array.ConvertAll(earlier, value => value / sum);
        }
        return (tags, log + Math.Log(ended));
    }

    /// <summary>The likeliest sequence of tags.</summary>
    public int[] Viterbi()
    {
        int length = candidates.Length;
        double[][] best = new double[length][];
        int[][] from = new int[length][];
        for (int t = 0; t < length; t++)
        {
            best[t] = new double[Count(t - 1) * Count(t)];
            from[t] = new int[best[t].Length];
            for (int i = 0; i < Count(t - 1); i++)
            {
                for (int j = 0; j < Count(t); j++)
                {
                    int at = (i * Count(t)) + j;
                    best[t][at] = double.NegativeInfinity;
                    for (int h = 0; h < Count(t - 2); h++)
                    {
                        double value = (t == 0 ? 0 : best[t - 1][(h * Count(t - 1)) + i])
                            + Math.Log(Transition(TagAt(t - 2, h), TagAt(t - 1, i), TagAt(t, j)));
                        if (value > best[t][at])
                            (best[t][at], from[t][at]) = (value, h);
                    }
                    best[t][at] += Math.Log(candidates[t][j].Probability);
                }
            }
        }
        int last = Enumerable.Range(0, best[^1].Length)
            .MaxBy(k => best[^1][k]
            + Math.Log(Transition(TagAt(length - 2, k / Count(length - 1)), TagAt(length - 1, k % Count(length - 1)),
            _end)));
        int[] tags = new int[length];
        (int before, int here) = (last / Count(length - 1), last % Count(length - 1));
        for (int t = length - 1; t >= 0; t--)
        {
            tags[t] = TagAt(t, here);
            (before, here) = (from[t][(before * Count(t)) + here], before);
        }
        return tags;
    }

    private int Count(int place) => place < 0 ? 1 : candidates[place].Length;

    private int TagAt(int place, int number) => place < 0 ? _start : candidates[place][number].Tag;

    private double Transition(int before, int last, int next) =>
        transitions[(((before * symbols) + last) * symbols) + next];
}
