using System.Runtime.InteropServices;
using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>Which tokens a sample holds: those of the prompt, and how often each was generated.</summary>
internal sealed class TokenCounts
{
    private readonly Dictionary<int, int> _generated;

    /// <summary>Takes the tokens of a prompt.</summary>
    /// <param name="prompt">The tokens.</param>
    /// <param name="reserved">How many others may come without memory being taken.</param>
    public TokenCounts(IEnumerable<int> prompt, int reserved = 0)
    {
        _generated = prompt.Distinct().ToDictionary(id => id, _ => 0);
        _generated.EnsureCapacity(_generated.Count + reserved);
    }

    public void Add(int id) => CollectionsMarshal.GetValueRefOrAddDefault(_generated, id, out _)++;

    /// <summary>
    /// Repetition divides positive logits of any token seen and multiplies negative ones (Keskar et al. 2019, eq. 4);
    /// presence and frequency are taken from the logits of tokens generated, as OpenAI's interface defines them.
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
