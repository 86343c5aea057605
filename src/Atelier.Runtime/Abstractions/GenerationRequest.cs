namespace Atelier.Abstractions;

/// <summary>
/// What a caller asks of a generator. What a kind of model has no use for, it refuses with a clear error.
/// </summary>
public sealed record GenerationRequest
{
    /// <summary>How many samples.</summary>
    public int Count { get; init; } = 1;

    /// <summary>
    /// The number, from 0, of the one sample of <see cref="Count"/> that is wanted, made as it is among the others;
    /// null for all.
    /// </summary>
    public int? Only { get; init; }

    /// <summary>The seed of every random choice: the same request gives the same samples.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The text that samples go on from, or null to begin afresh.</summary>
    public string? Prompt { get; init; }

    /// <summary>
    /// The tokens that samples of text go on from, the one that texts begin after included, in place of
    /// <see cref="Prompt"/>; null takes that.
    /// </summary>
    public IReadOnlyList<int>? PromptIds { get; init; }

    /// <summary>Token ids that end a text sample in addition to the end-of-text token.</summary>
    public IReadOnlyList<int> EndIds { get; init; } = [];

    /// <summary>
    /// A file that samples go on from or are made for: sentences to tag, the beginning of a series; null for none.
    /// </summary>
    public string? Input { get; init; }

    /// <summary>What is known of each sample, by column: "smoke" is "yes".</summary>
    public IReadOnlyDictionary<string, string> Evidence { get; init; } = new Dictionary<string, string>();

    /// <summary>Hidden states that are known, by their place in the sample, from 0.</summary>
    public IReadOnlyDictionary<int, string> States { get; init; } = new Dictionary<int, string>();

    /// <summary>The class that samples are to be of, by its name; null for any.</summary>
    public string? Class { get; init; }

    /// <summary>How pictures are drawn; null takes the model's own settings.</summary>
    public SamplingOptions? Drawing { get; init; }

    /// <summary>How tokens are chosen; null takes the bundle's own settings.</summary>
    public DecodingOptions? Decoding { get; init; }

    /// <summary>
    /// Gives the request back if it asks for one sample or more and for nothing that the generator cannot heed.
    /// </summary>
    /// <param name="prompt">Whether the generator supports a prompt.</param>
    /// <param name="input">Whether it supports an input file.</param>
    /// <param name="evidence">Whether it supports evidence.</param>
    /// <param name="states">Whether it supports known states.</param>
    /// <param name="classes">Whether it supports a class.</param>
    /// <param name="drawing">Whether it supports sampling options of images.</param>
    /// <param name="only">Whether it makes one sample of many.</param>
    /// <param name="decoding">Whether it supports decoding options.</param>
    /// <param name="length">Whether it supports a maximum length.</param>
    /// <exception cref="AtelierException">The request sets an option that the generator does not support.</exception>
    public GenerationRequest Check(bool prompt = false, bool input = false, bool evidence = false, bool states = false,
        bool classes = false, bool drawing = false, bool only = false, bool decoding = false, bool length = false)
    {
        if (Count < 1)
            throw new AtelierException($"{Count} samples were asked for", hint: "ask for 1 or more");
        ReadOnlySpan<(string Name, bool Asked, bool Heeded)> parts =
        [
            ("a prompt", Prompt is not null, prompt), ("an input file", Input is not null, input),
            ("evidence", Evidence.Count > 0, evidence), ("given states", States.Count > 0, states),
            ("a class", Class is not null, classes), ("drawing options", Drawing is not null, drawing),
            ("one sample of many", Only is not null, only),
            (length ? "choosing tokens, beyond their number (temperature and the like)"
                : "choosing tokens (temperature, their number and the like)", AsksOfTokens(length), decoding),
        ];
        if (Only is < 0 || Only >= Count)
            throw new AtelierException($"sample {Only} of {Count} was asked for", hint: "they are numbered from 0");
        foreach ((string name, bool asked, bool heeded) in parts)
        {
            if (asked && !heeded)
                throw new AtelierException($"this kind of model has no use for {name}", hint: "leave it out");
        }
        return this;
    }

    private bool AsksOfTokens(bool lengthAside)
    {
        var usual = new DecodingOptions();
        return Decoding is not null && !(lengthAside && Decoding with { MaxTokens = usual.MaxTokens } == usual);
    }
}
