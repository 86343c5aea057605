using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Atelier.Abstractions;

/// <summary>Options for choosing the next token. The defaults sample from the model's own distribution.</summary>
public sealed record DecodingOptions
{
    /// <summary>The largest number of tokens to generate after the prompt.</summary>
    [Range(1, int.MaxValue)]
    public int MaxTokens { get; init; } = 256;

    /// <summary>
    /// The sampling temperature, which divides the logits. 0 takes the most probable token; 1 samples from the model's
    /// own distribution.
    /// </summary>
    [Range(0.0, 100.0)]
    public double Temperature { get; init; } = 1.0;

    /// <summary>Samples from the k most probable tokens only; 0 keeps all (Fan et al. 2018).</summary>
    [Range(0, int.MaxValue)]
    public int TopK { get; init; }

    /// <summary>
    /// Nucleus sampling: keeps the smallest set of tokens whose probabilities sum to at least this value; 1 keeps all
    /// (Holtzman et al. 2020).
    /// </summary>
    [Range(0.0, 1.0)]
    public double TopP { get; init; } = 1.0;

    /// <summary>
    /// Keeps tokens whose probability is at least this fraction of the highest one; 0 keeps all (Nguyen et al. 2024).
    /// </summary>
    [Range(0.0, 1.0)]
    public double MinP { get; init; }

    /// <summary>
    /// Locally typical sampling: keeps the tokens whose information content is nearest the entropy, up to this total
    /// probability; 1 keeps all (Meister et al. 2023).
    /// </summary>
    [Range(0.0, 1.0)]
    public double TypicalP { get; init; } = 1.0;

    /// <summary>
    /// Number of beams. With more than 1, beam search replaces sampling, and temperature, filters and the penalties on
    /// tokens that occurred before have no effect.
    /// </summary>
    [Range(1, 1024)]
    public int BeamWidth { get; init; } = 1;

    /// <summary>
    /// The length normalisation of beam search: the log-probability of a beam is divided by its length to this power; 0
    /// does not normalise (Wu et al. 2016 use 0.6 to 0.7 in a similar form).
    /// </summary>
    [Range(0.0, 10.0)]
    public double LengthPenalty { get; init; } = 1.0;

    /// <summary>
    /// The coverage penalty of beam search, β in Wu et al. 2016, eq. 14: adds β Σᵢ log(min(Σⱼ pᵢⱼ, 1)) to the score of
    /// a target, where pᵢⱼ is the attention that target token j pays to source token i. 0 has no effect. For models
    /// of a target given a source that return alignments.
    /// </summary>
    [Range(0.0, 100.0)]
    public double CoveragePenalty { get; init; }

    /// <summary>
    /// Number of groups of diverse beam search (Vijayakumar et al. 2018), which divides <see cref="BeamWidth"/>; 1 is
    /// ordinary beam search.
    /// </summary>
    [Range(1, 1024)]
    public int BeamGroups { get; init; } = 1;

    /// <summary>
    /// The diversity penalty of diverse beam search: subtracted from the score of a token for each beam of an earlier
    /// group that chose the same token at the same step. Has no effect with one group.
    /// </summary>
    [Range(0.0, 100.0)]
    public double DiversityPenalty { get; init; }

    /// <summary>
    /// Whether beam search ends as soon as <see cref="BeamWidth"/> sequences have ended, which is faster. Otherwise it
    /// ends when no longer sequence can have a better score.
    /// </summary>
    public bool EarlyStopping { get; init; }

    /// <summary>
    /// No n tokens in a row occur twice, counting the prompt of a language model and the prefix of a target; 0 allows
    /// repetition. Applies to sampling and beam search. Tokens that end a sample are always allowed, and a token that
    /// would repeat is allowed if nothing else is.
    /// </summary>
    [Range(0, 1024)]
    public int NoRepeatNgram { get; init; }

    /// <summary>
    /// The number of tokens before which a sample cannot end, unless it reaches a stop string or a constraint allows
    /// nothing more; at most <see cref="MaxTokens"/> has an effect. Applies to sampling and beam search.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int MinTokens { get; init; }

    /// <summary>
    /// The penalty on tokens that occurred before: their positive logits are divided by it and their negative ones
    /// multiplied; 1 has no effect (Keskar et al. 2019).
    /// </summary>
    [Range(0.01, 100.0)]
    public double RepetitionPenalty { get; init; } = 1.0;

    /// <summary>Subtracted once from the logit of each token that was generated before.</summary>
    [Range(-100.0, 100.0)]
    public double PresencePenalty { get; init; }

    /// <summary>Subtracted from the logit of a token for each time it was generated before.</summary>
    [Range(-100.0, 100.0)]
    public double FrequencyPenalty { get; init; }

    /// <summary>Stop strings. A sample ends before the first occurrence of any of them.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>A regular expression that each whole sample must match; null for none.</summary>
    public string? Pattern { get; init; }

    /// <summary>A JSON schema, as text, that each sample must satisfy; null for none.</summary>
    public string? Schema { get; init; }

    /// <summary>A grammar in GBNF, the notation of llama.cpp, that each whole sample must match; null for
    /// none.</summary>
    public string? Grammar { get; init; }

    /// <summary>
    /// Prompt lookup: the number of last tokens to search for earlier in the text. The tokens that followed their last
    /// occurrence are proposed. 0 disables it. The distribution of samples does not change.
    /// </summary>
    [Range(0, 64)]
    public int Lookup { get; init; }

    /// <summary>
    /// The largest number of tokens that a draft model or prompt lookup proposes at once; fewer are proposed where few
    /// are accepted. Has no effect without a draft model or prompt lookup.
    /// </summary>
    [Range(1, 64)]
    public int DraftTokens { get; init; } = 8;

    /// <summary>
    /// Returns these options if every value is in its range; values from files and callers may not be.
    /// </summary>
    /// <param name="where">The source of the values, for the error message.</param>
    /// <exception cref="AtelierException">A value is out of its range.</exception>
    public DecodingOptions Check(string? where = null)
    {
        // The ranges repeat the attributes above, because trimmed programs cannot read attributes.
        ReadOnlySpan<(string Name, double Value, double Low, double High)> ranges =
        [
            ("maxTokens", MaxTokens, 1, int.MaxValue), ("temperature", Temperature, 0, 100),
            ("topK", TopK, 0, int.MaxValue), ("topP", TopP, 0, 1), ("minP", MinP, 0, 1),
            ("typicalP", TypicalP, 0, 1), ("beamWidth", BeamWidth, 1, 1024),
            ("lengthPenalty", LengthPenalty, 0, 10), ("repetitionPenalty", RepetitionPenalty, 0.01, 100),
            ("presencePenalty", PresencePenalty, -100, 100), ("frequencyPenalty", FrequencyPenalty, -100, 100),
            ("coveragePenalty", CoveragePenalty, 0, 100), ("beamGroups", BeamGroups, 1, 1024),
            ("diversityPenalty", DiversityPenalty, 0, 100), ("noRepeatNgram", NoRepeatNgram, 0, 1024),
            ("minTokens", MinTokens, 0, int.MaxValue), ("lookup", Lookup, 0, 64), ("draftTokens", DraftTokens, 1, 64),
        ];
        foreach ((string name, double value, double low, double high) in ranges)
        {
            if (!(value >= low && value <= high)) // NaN is in no range
            {
                throw new AtelierException(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}"), where,
                    string.Create(CultureInfo.InvariantCulture, $"allowed: {low} to {high}"));
            }
        }
        if (BeamWidth % BeamGroups != 0)
            throw new AtelierException($"{BeamWidth} beams cannot be divided into {BeamGroups} groups of equal size",
                where, "use a number of beams that is a multiple of the number of groups");
        if (Stop.Any(string.IsNullOrEmpty))
            throw new AtelierException("a stop string is empty", where, "leave it out");
        if (Stop.Any(stop => !WellFormed.Is(stop)))
            throw new AtelierException("a stop string contains half a surrogate pair", where,
                "write the whole character");
        if (Pattern is not null && Schema is not null)
            throw new AtelierException("a pattern and a schema cannot be combined",
                where, "use one of them: the strings of a schema can have patterns");
        if (Grammar is not null && (Pattern ?? Schema) is not null)
            throw new AtelierException("a grammar cannot be combined with a pattern or a schema", where,
                "use one of them");
        return this;
    }
}
