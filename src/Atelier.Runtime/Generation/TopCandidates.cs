using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Generation;

/// <summary>A token that may continue a beam.</summary>
/// <param name="Row">The index of the beam.</param>
/// <param name="Choice">The token.</param>
/// <param name="Score">The score of the beam with the token.</param>
internal readonly record struct Candidate(int Row, TokenChoice Choice, double Score);

/// <summary>Selects the best continuations of several beams. Of equal ones, it keeps the first.</summary>
internal sealed class TopCandidates(int capacity)
{
    private readonly List<Candidate> _best = new(capacity);

    /// <summary>The best continuations so far, best first.</summary>
    public IReadOnlyList<Candidate> Best => _best;

    private double Worst => _best.Count < capacity ? double.NegativeInfinity : _best[^1].Score;

    public void Clear() => _best.Clear();

    /// <summary>Adds the continuations of a beam. Tokens with probability 0 are left out.</summary>
    /// <param name="row">The index of the beam.</param>
    /// <param name="score">The score of the beam.</param>
    /// <param name="logits">The logits of the next token, [vocabulary].</param>
    /// <param name="allowed">A bit for each allowed token; empty if all are allowed.</param>
    /// <param name="penalties">What to subtract from the scores of some tokens, at least 0.</param>
    public unsafe void Add(int row, double score, ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed,
        IReadOnlyDictionary<int, double> penalties)
    {
        float normalizer = Logits.LogSumExp(logits);
        fixed (float* first = logits)
        {
            int count = logits.Length;
            for (int id = 0; (id = KernelPath.Best.NextAtLeast(first, id, count, Least())) < count; id++)
            {
                if (!allowed.IsEmpty && !Logits.IsAllowed(allowed, id))
                    continue;
                float logProbability = logits[id] - normalizer;
                double total = score + logProbability - penalties.GetValueOrDefault(id);
                if (total > Worst)
                    Insert(new Candidate(row, new TokenChoice(id, logProbability), total));
            }
        }

        // A logit below it is certainly too small; the margin is larger than what rounding can change.
        float Least()
        {
            double bound = Worst - score + normalizer;
            return (float)(bound - 1e-3 - Math.Abs(bound) * 1e-6);
        }
    }

    private void Insert(Candidate candidate)
    {
        if (_best.Count < capacity)
            _best.Add(candidate);
        int place = _best.Count - 1;
        for (; place > 0 && _best[place - 1].Score < candidate.Score; place--)
            _best[place] = _best[place - 1];
        _best[place] = candidate;
    }
}
