using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// Chooses the next token from a model's logits. Not safe for concurrent use. Its methods allocate no memory.
/// </summary>
/// <param name="options">The temperature and the filters; other options have no effect here.</param>
/// <param name="vocabularySize">The number of tokens.</param>
public sealed class TokenSampler(DecodingOptions options, int vocabularySize)
{
    private const double Slack = 1 - 1e-6; // tolerance of the preselection, whose rounding differs from the filters'
    private readonly ITokenFilter[] _filters = TokenFilters.For(options, vocabularySize);
    private readonly float[] _weights = new float[vocabularySize];
    private readonly float[] _sorted = new float[vocabularySize];
    private readonly int[] _ids = new int[vocabularySize];
    private readonly PriorityQueue<float, float> _largest = new(Math.Min(options.TopK, vocabularySize) + 1);

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">The logits of one sample, [vocabulary].</param>
    /// <param name="random">The random stream of the sample; one number is drawn from it unless decoding is
    /// greedy.</param>
    /// <returns>The token, with its log-probability under the model's own distribution.</returns>
    public TokenChoice Choose(ReadOnlySpan<float> logits, ref SplitMix64 random) =>
        Choose(logits, null, [], ref random);

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">The logits of one sample, [vocabulary].</param>
    /// <param name="seen">The counts of the sample's tokens; null if no penalty needs them.</param>
    /// <param name="allowed">A bit for each allowed token; empty if all are allowed.</param>
    /// <param name="random">The random stream of the sample; one number is drawn from it unless decoding is
    /// greedy.</param>
    /// <exception cref="AtelierException">The model gives no probability to any allowed token.</exception>
    /// <returns>The token, with its log-probability under the model's own distribution.</returns>
    internal TokenChoice Choose(ReadOnlySpan<float> logits, TokenCounts? seen, ReadOnlySpan<ulong> allowed,
        ref SplitMix64 random)
    {
        LoadWeights(logits, seen, allowed);
        int id = options.Temperature == 0 ? Logits.ArgMax(_weights) : Draw(random.NextDouble());
        return new TokenChoice(id, Logits.LogProbability(logits, id));
    }

    /// <summary>Returns the distribution that a token is drawn from.</summary>
    /// <returns>The probabilities, [vocabulary], which sum to 1; overwritten by the next call of any method.</returns>
    /// <param name="logits">The logits of one sample, [vocabulary].</param>
    /// <param name="seen">The counts of the sample's tokens; null if no penalty needs them.</param>
    /// <param name="allowed">A bit for each allowed token; empty if all are allowed.</param>
    internal ReadOnlySpan<float> Distribution(ReadOnlySpan<float> logits, TokenCounts? seen,
        ReadOnlySpan<ulong> allowed)
    {
        LoadWeights(logits, seen, allowed);
        if (options.Temperature == 0)
        {
            int likeliest = Logits.ArgMax(_weights);
            Array.Clear(_weights);
            _weights[likeliest] = 1;
            return _weights;
        }
        Logits.Exponentiate(_weights, options.Temperature);
        if (_filters.Length > 0)
        {
            Candidates left = Filter();
            Array.Clear(_weights);
            for (int i = 0; i < left.Count; i++)
                _weights[left.Ids[i]] = left.Probabilities[i];
        }
        float total = (float)TokenFilters.Sum(_weights);
        for (int i = 0; i < _weights.Length; i++)
            _weights[i] /= total;
        return _weights;
    }

    /// <summary>Draws an index with probabilities in proportion to non-negative weights.</summary>
    /// <param name="weights">The weights, not all zero.</param>
    /// <param name="number">A random number in [0, 1).</param>
    internal static int Pick(ReadOnlySpan<float> weights, double number)
    {
        double left = number * TokenFilters.Sum(weights);
        int last = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0)
                continue;
            last = i;
            left -= weights[i];
            if (left < 0)
                return i;
        }
        return last; // rounding may leave a remainder above 0
    }

    private void LoadWeights(ReadOnlySpan<float> logits, TokenCounts? seen, ReadOnlySpan<ulong> allowed)
    {
        logits.CopyTo(_weights);
        seen?.Penalize(_weights, options);
        if (!allowed.IsEmpty)
            Logits.Restrict(_weights, allowed);
    }

    /// <summary>Draws a token in proportion to exp(logit / temperature), after the filters.</summary>
    private int Draw(double number)
    {
        Logits.Exponentiate(_weights, options.Temperature);
        if (_filters.Length == 0)
            return Pick(_weights, number);
        Candidates left = Filter();
        return left.Ids[Pick(left.Probabilities, number)];
    }

    private Candidates Filter()
    {
        // Sorting a whole vocabulary costs more than a step of a small model, so tokens that the first filter certainly
        // drops are removed before sorting.
        double total = TokenFilters.Sum(_weights), least = Least(total);
        int count = 0;
        for (int i = 0; i < _weights.Length; i++)
        {
            if (_weights[i] <= 0 || _weights[i] < least)
                continue;
            _sorted[count] = -_weights[i];
            _ids[count++] = i;
        }
        Span<float> sorted = _sorted.AsSpan(0, count);
        sorted.Sort(_ids.AsSpan(0, count));
        for (int i = 0; i < sorted.Length; i++)
            sorted[i] = -sorted[i];
        var candidates = new Candidates(sorted, _ids.AsSpan(0, count), total);
        foreach (ITokenFilter filter in _filters)
            filter.Apply(ref candidates);
        return candidates;
    }

    /// <summary>Returns a weight below which the first filter certainly drops every token.</summary>
    private double Least(double total)
    {
        if (options.TopK > 0)
            return options.TopK < _weights.Length / 8 ? KthLargest(options.TopK) : 0;
        if (options.TopP < 1)
            return Slack * (1 - options.TopP) * total / _weights.Length; // all weights below it sum to less than 1 - p
        return Slack * options.MinP; // the largest weight is 1
    }

    private float KthLargest(int k)
    {
        _largest.Clear();
        foreach (float weight in _weights)
        {
            if (_largest.Count < k)
                _largest.Enqueue(weight, weight);
            else if (weight > _largest.Peek())
                _largest.EnqueueDequeue(weight, weight);
        }
        return _largest.Peek();
    }
}
