namespace Atelier.Decoding;

/// <summary>Chooses the next token from a model's logits. Not for use by several threads at once.</summary>
internal sealed class TokenSampler(DecodingOptions options, int vocabularySize)
{
    private readonly ITokenFilter[] _filters = TokenFilters.For(options);
    private readonly float[] _weights = new float[vocabularySize];
    private readonly int[] _ids = new int[vocabularySize];

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">One row, [vocabulary].</param>
    /// <param name="seen">What stands in the sample so far.</param>
    /// <param name="allowed">A bit for each token that may come; empty where all may.</param>
    /// <param name="random">The sample's own stream; one number is drawn from it unless decoding is greedy.</param>
    /// <exception cref="AtelierException">The model gives no probability to any token that may come.</exception>
    /// <returns>The token, with its log-probability under the model's own distribution.</returns>
    public TokenChoice Choose(ReadOnlySpan<float> logits, TokenCounts seen, ReadOnlySpan<ulong> allowed, ref SplitMix64 random)
    {
        Span<float> weights = _weights;
        logits.CopyTo(weights);
        seen.Penalize(weights, options);
        if (!allowed.IsEmpty)
            Logits.Restrict(weights, allowed);
        int id = options.Temperature == 0 ? Logits.ArgMax(weights) : Draw(weights, random.NextDouble());
        return new TokenChoice(id, logits[id] - Logits.LogSumExp(logits));
    }

    /// <summary>Draws in proportion to exp(logit / temperature), after the filters.</summary>
    private int Draw(Span<float> weights, double number)
    {
        float highest = weights[Logits.ArgMax(weights)];
        for (int i = 0; i < weights.Length; i++)
            weights[i] = MathF.Exp((float)((weights[i] - highest) / options.Temperature));
        if (_filters.Length == 0)
            return Pick(weights, number);

        for (int i = 0; i < _ids.Length; i++)
            _ids[i] = i;
        MemoryExtensions.Sort(weights, _ids.AsSpan(), (a, b) => b.CompareTo(a));
        var candidates = new Candidates { Probabilities = weights, Ids = _ids };
        foreach (ITokenFilter filter in _filters)
            filter.Apply(ref candidates);
        return candidates.Ids[Pick(candidates.Probabilities, number)];
    }

    private static int Pick(ReadOnlySpan<float> weights, double number)
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
        return last; // rounding may leave a crumb
    }
}
