using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Atelier.Decoding;

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

    /// <summary>Keeps the smallest set of tokens that holds this probability; 1 keeps all (Holtzman et al. 2020).</summary>
    [Range(0.0, 1.0)]
    public double TopP { get; init; } = 1.0;

    /// <summary>Keeps tokens at least this share as likely as the likeliest; 0 keeps all (Nguyen et al. 2024).</summary>
    [Range(0.0, 1.0)]
    public double MinP { get; init; }

    /// <summary>Keeps the tokens whose surprise is nearest the expected, up to this probability; 1 keeps all (Meister et al. 2023).</summary>
    [Range(0.0, 1.0)]
    public double TypicalP { get; init; } = 1.0;

    /// <summary>More than 1 searches with so many beams instead of sampling.</summary>
    [Range(1, 1024)]
    public int BeamWidth { get; init; } = 1;

    /// <summary>The power of the length that a beam's log-probability is divided by; 0 does not normalise (Wu et al. 2016 use 0.6 to 0.7 in a like form).</summary>
    [Range(0.0, 10.0)]
    public double LengthPenalty { get; init; } = 1.0;

    /// <summary>Divides positive logits of tokens seen before, and multiplies negative ones; 1 does nothing (Keskar et al. 2019).</summary>
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
}
