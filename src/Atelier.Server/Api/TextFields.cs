using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Abstractions;

namespace Atelier.Server.Api;

/// <summary>The fields that requests for text share.</summary>
internal abstract record TextFields : RequestFields
{
    /// <summary>The largest number of samples of one request, of all its prompts together.</summary>
    public const int MostSamples = 128;

    private const int MostStops = 16;

    /// <summary>The number of answers.</summary>
    public int? N { get; init; }

    /// <summary>The largest number of tokens of an answer.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>The sampling temperature.</summary>
    public double? Temperature { get; init; }

    /// <summary>Nucleus sampling.</summary>
    public double? TopP { get; init; }

    /// <summary>The number of most probable tokens to sample from.</summary>
    public int? TopK { get; init; }

    /// <summary>The smallest probability, as a fraction of the largest one.</summary>
    public double? MinP { get; init; }

    /// <summary>Locally typical sampling.</summary>
    public double? TypicalP { get; init; }

    /// <summary>Subtracted once from the logits of generated tokens.</summary>
    public double? PresencePenalty { get; init; }

    /// <summary>Subtracted from the logits of generated tokens, for each time.</summary>
    public double? FrequencyPenalty { get; init; }

    /// <summary>Divides the logits of tokens that occurred before.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>The seed; without one it is random.</summary>
    public long? Seed { get; init; }

    /// <summary>Stop strings: a string, or a list of strings.</summary>
    public JsonElement? Stop { get; init; }

    /// <summary>Whether the answer is sent as it is generated.</summary>
    public bool? Stream { get; init; }

    /// <summary>Options of streams.</summary>
    public StreamFields? StreamOptions { get; init; }

    /// <summary>The number of tokens before which an answer cannot end.</summary>
    public int? MinTokens { get; init; }

    /// <summary>Whether an answer always has as many tokens as it may.</summary>
    public bool? IgnoreEos { get; init; }

    /// <summary>A regular expression that the whole answer matches.</summary>
    public string? Pattern { get; init; }

    /// <summary>A grammar in GBNF that the whole answer matches.</summary>
    public string? Grammar { get; init; }

    /// <summary>Whether a stream ends with the usage of tokens.</summary>
    [JsonIgnore]
    public bool IncludesUsage => StreamOptions?.IncludeUsage == true;

    /// <summary>The number of answers to each prompt.</summary>
    /// <exception cref="ApiException">It is out of range.</exception>
    public int Count() => N is < 1 or > MostSamples
        ? throw ApiException.Invalid("n", FormattableString.Invariant($"n is {N}; allowed: 1 to {MostSamples}"))
        : N ?? 1;

    /// <summary>Returns the decoding options: the model's, with those of the request.</summary>
    /// <param name="defaults">The model's options.</param>
    /// <param name="maxTokens">The largest number of tokens.</param>
    /// <exception cref="ApiException">A value is out of its range.</exception>
    public DecodingOptions Decoding(DecodingOptions defaults, int maxTokens)
    {
        bool isSampled = this is not
        {
            Temperature: null, TopP: null, TopK: null, MinP: null, TypicalP: null, PresencePenalty: null,
            FrequencyPenalty: null, RepetitionPenalty: null, N: null or 1,
        };
        DecodingOptions options = defaults with
        {
            MaxTokens = maxTokens,
            MinTokens = IgnoreEos == true ? maxTokens : MinTokens ?? defaults.MinTokens,
            Temperature = Temperature ?? defaults.Temperature,
            TopP = TopP ?? defaults.TopP,
            TopK = TopK ?? defaults.TopK,
            MinP = MinP ?? defaults.MinP,
            TypicalP = TypicalP ?? defaults.TypicalP,
            PresencePenalty = PresencePenalty ?? defaults.PresencePenalty,
            FrequencyPenalty = FrequencyPenalty ?? defaults.FrequencyPenalty,
            RepetitionPenalty = RepetitionPenalty ?? defaults.RepetitionPenalty,
            BeamWidth = isSampled ? 1 : defaults.BeamWidth, // beam search ignores sampling options
            BeamGroups = isSampled ? 1 : defaults.BeamGroups,
            Stop = Stops() ?? defaults.Stop,
            Pattern = Pattern ?? (Grammar is null ? defaults.Pattern : null),
            Schema = (Pattern ?? Grammar) is null ? defaults.Schema : null,
            Grammar = Grammar ?? (Pattern is null ? defaults.Grammar : null),
        };
        try
        {
            return options.Check();
        }
        catch (AtelierException e)
        {
            // the message begins with the name of the option
            string name = e.Message.Split(' ')[0], field = RequestBody.Field(name);
            bool isField = typeof(DecodingOptions).GetProperties()
                .Any(property => RequestBody.Field(property.Name) == field);
            throw !isField ? e : ApiException.Invalid(field, $"{field}{e.Message[name.Length..]}; {e.Hint}");
        }
    }

    private IReadOnlyList<string>? Stops()
    {
        switch (Stop?.ValueKind)
        {
            case null or JsonValueKind.Null:
                return null;
            case JsonValueKind.String:
                return [Stop.Value.GetString()!];
            case JsonValueKind.Array when Stop.Value.GetArrayLength() <= MostStops
                && Stop.Value.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String):
                return [.. Stop.Value.EnumerateArray().Select(one => one.GetString()!)];
            default:
                throw ApiException.Invalid("stop",
                    $"'stop' is neither a string nor a list of at most {MostStops} strings");
        }
    }
}

/// <summary>Options of a stream.</summary>
internal sealed record StreamFields
{
    /// <summary>Whether the last event has the usage of tokens.</summary>
    public bool? IncludeUsage { get; init; }

    /// <summary>Accepted without effect: events are never padded.</summary>
    public bool? IncludeObfuscation { get; init; }
}
