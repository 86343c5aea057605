using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Atelier.Abstractions;

/// <summary>How the next token is chosen. The defaults sample from the model's own distribution.</summary>
public sealed record DecodingOptions
{
    /// <summary>The most tokens a sample may have after the prompt.</summary>
    [Range(1, int.MaxValue)]
    public int MaxTokens { get; init; } = 256;

    /// <summary>Divides the logits; 0 is greedy, 1 the model's own distribution.</summary>
    [Range(0.0, 100.0)]
    public double Temperature { get; init; } = 1.0;

    /// <summary>Keeps the k likeliest tokens; 0 keeps all (Fan et al. 2018).</summary>
    [Range(0, int.MaxValue)]
    public int TopK { get; init; }

    /// <summary>
    /// Keeps the smallest set of tokens that holds this probability; 1 keeps all (Holtzman et al. 2020).
    /// </summary>
    [Range(0.0, 1.0)]
    public double TopP { get; init; } = 1.0;

    /// <summary>
    /// Keeps tokens at least this share as likely as the likeliest; 0 keeps all (Nguyen et al. 2024).
    /// </summary>
    [Range(0.0, 1.0)]
    public double MinP { get; init; }

    /// <summary>
    /// Keeps the tokens whose surprise is nearest the expected, up to this probability; 1 keeps all (Meister et al.
    /// 2023).
    /// </summary>
    [Range(0.0, 1.0)]
    public double TypicalP { get; init; } = 1.0;

    /// <summary>
    /// More than 1 searches with so many beams instead of sampling; temperature, filters and penalties then do nothing.
    /// </summary>
    [Range(1, 1024)]
    public int BeamWidth { get; init; } = 1;

    /// <summary>
    /// The power of the length that a beam's log-probability is divided by; 0 does not normalise (Wu et al. 2016 use
    /// 0.6 to 0.7 in a like form).
    /// </summary>
    [Range(0.0, 10.0)]
    public double LengthPenalty { get; init; } = 1.0;

    /// <summary>
    /// Divides positive logits of tokens seen before, and multiplies negative ones; 1 does nothing (Keskar et al.
    /// 2019).
    /// </summary>
    [Range(0.01, 100.0)]
    public double RepetitionPenalty { get; init; } = 1.0;

    /// <summary>Taken once from the logit of each token generated before.</summary>
    [Range(-100.0, 100.0)]
    public double PresencePenalty { get; init; }

    /// <summary>Taken from the logit of a token as often as it was generated before.</summary>
    [Range(-100.0, 100.0)]
    public double FrequencyPenalty { get; init; }

    /// <summary>A sample ends before the first of these strings.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>A regular expression that each sample matches as a whole, or null.</summary>
    public string? Pattern { get; init; }

    /// <summary>A JSON schema, as text, that each sample follows, or null.</summary>
    public string? Schema { get; init; }

    /// <summary>
    /// The tokens that must stand alike earlier in a text for what followed there to be proposed (prompt look-up); 0
    /// does not look. The samples' distribution stays the model's own.
    /// </summary>
    [Range(0, 64)]
    public int Lookup { get; init; }

    /// <summary>
    /// The most tokens that a draft model or prompt look-up proposes at a time, fewer where few are taken; without
    /// either it does nothing.
    /// </summary>
    [Range(1, 64)]
    public int DraftTokens { get; init; } = 8;

    /// <summary>
    /// Gives the options back if every value is in its range: files and callers are not trusted to keep them.
    /// </summary>
    /// <param name="where">Where the values come from, for the error.</param>
    /// <exception cref="AtelierException">A value is out of its range.</exception>
    public DecodingOptions Check(string? where = null)
    {
        // The ranges of the attributes above, by hand: reading attributes does not survive trimming.
        ReadOnlySpan<(string Name, double Value, double Low, double High)> ranges =
        [
            ("maxTokens", MaxTokens, 1, int.MaxValue), ("temperature", Temperature, 0, 100),
                ("topK", TopK, 0, int.MaxValue),
            ("topP", TopP, 0, 1), ("minP", MinP, 0, 1), ("typicalP", TypicalP, 0, 1), ("beamWidth", BeamWidth, 1, 1024),
            ("lengthPenalty", LengthPenalty, 0, 10), ("repetitionPenalty", RepetitionPenalty, 0.01, 100),
            ("presencePenalty", PresencePenalty, -100, 100), ("frequencyPenalty", FrequencyPenalty, -100, 100),
            ("lookup", Lookup, 0, 64), ("draftTokens", DraftTokens, 1, 64),
        ];
        foreach ((string name, double value, double low, double high) in ranges)
        {
            if (!(value >= low && value <= high)) // NaN is in no range
            {
                throw new AtelierException(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}"), where,
                    string.Create(CultureInfo.InvariantCulture, $"take a value from {low} to {high}"));
            }
        }
        if (Stop.Any(string.IsNullOrEmpty))
            throw new AtelierException("a stop string is empty", where, "leave it out");
        if (Stop.Any(stop => !WellFormed.Is(stop)))
            throw new AtelierException("a stop string has half a surrogate pair", where, "write the whole character");
        if (Pattern is not null && Schema is not null)
            throw new AtelierException("a pattern and a schema are given",
                where, "give one of them: a schema's strings may have patterns");
        return this;
    }
}
