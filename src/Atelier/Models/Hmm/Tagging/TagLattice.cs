using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm.Tagging;

/// <summary>
/// The lattice of all taggings of a sentence, whose nodes are pairs of neighbouring tags. Runs the forward-backward and
/// the Viterbi algorithm.
/// </summary>
/// <param name="transitions">[before, last, next]: the probability of a tag after two others. The start of a sentence
/// is tag symbols − 2, its end is tag symbols − 1.</param>
/// <param name="symbols">The number of tags including start and end.</param>
/// <param name="candidates">[word]: the tags that the word may have, each with the probability of the word given the
/// tag.</param>
internal sealed class TagLattice(double[] transitions, int symbols, (int Tag, double Probability)[][] candidates)
{
    private readonly int _start = symbols - 2, _end = symbols - 1;

    /// <summary>Computes the most probable tag at each position, and the log-likelihood of the words.</summary>
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
                    {
                        double before = t == 0 ? 1 : forward[t - 1][(h * Count(t - 1)) + i];
                        sum += before * Transition(TagAt(t - 2, h), TagAt(t - 1, i), TagAt(t, j));
                    }
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
                    {
                        double transition = Transition(TagAt(t - 2, h), TagAt(t - 1, i), TagAt(t, j));
                        earlier[(h * Count(t - 1)) + i] +=
                            transition * candidates[t][j].Probability * backward[(i * Count(t)) + j];
                    }
                }
            }
            double sum = earlier.Sum();
            backward = Array.ConvertAll(earlier, value => value / sum);
        }
        return (tags, log + Math.Log(ended));
    }

    /// <summary>Computes the most probable sequence of tags.</summary>
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
        int count = Count(length - 1);
        double Ended(int pair)
        {
            double end = Transition(TagAt(length - 2, pair / count), TagAt(length - 1, pair % count), _end);
            return best[^1][pair] + Math.Log(end);
        }
        int last = Enumerable.Range(0, best[^1].Length).MaxBy(Ended);
        int[] tags = new int[length];
        (int before, int here) = (last / count, last % count);
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
