using System.Runtime.InteropServices;
using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>The tokens of a sample: those of the prompt, and how often each token was generated.</summary>
internal sealed class TokenCounts
{
    private readonly Dictionary<int, int> _generated;

    /// <summary>Creates the counts for a prompt.</summary>
    /// <param name="prompt">The tokens of the prompt.</param>
    /// <param name="reserved">Number of further distinct tokens to reserve memory for.</param>
    public TokenCounts(IEnumerable<int> prompt, int reserved = 0)
    {
        _generated = prompt.Distinct().ToDictionary(id => id, _ => 0);
        _generated.EnsureCapacity(_generated.Count + reserved);
    }

    public void Add(int id) => CollectionsMarshal.GetValueRefOrAddDefault(_generated, id, out _)++;

    /// <summary>
    /// Applies the penalties to logits. The repetition penalty divides the positive logits and multiplies the negative
    /// logits of all tokens of the sample (Keskar et al. 2019, eq. 4). The presence and frequency penalties are
    /// subtracted from the logits of generated tokens, as OpenAI's API defines them.
    /// </summary>
    public void Penalize(Span<float> logits, DecodingOptions options)
    {
        if (options is { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0 })
            return;
        foreach ((int id, int count) in _generated)
        {
            double logit = logits[id];
            logit = logit > 0 ? logit / options.RepetitionPenalty : logit * options.RepetitionPenalty;
            if (count > 0)
                logit -= options.PresencePenalty + count * options.FrequencyPenalty;
            logits[id] = (float)logit;
        }
    }
}
