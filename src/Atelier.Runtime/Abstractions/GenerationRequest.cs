namespace Atelier.Abstractions;

/// <summary>A request for samples. A generator refuses options that it does not support.</summary>
public sealed record GenerationRequest
{
    private const int MostAlternatives = 100;

    /// <summary>Number of samples.</summary>
    public int Count { get; init; } = 1;

    /// <summary>
    /// The index, from 0, of the only sample to draw; it is the same as among all <see cref="Count"/> samples. Null
    /// draws all.
    /// </summary>
    public int? Only { get; init; }

    /// <summary>The seed of all random numbers: the same request gives the same samples.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>
    /// The text that samples continue, or the source of models that write a target given a source; null begins a new
    /// text.
    /// </summary>
    public string? Prompt { get; init; }

    /// <summary>
    /// The token ids that text samples continue, including the start token, instead of <see cref="Prompt"/>; null uses
    /// the prompt. For models that write a target given a source: the source with all its special tokens.
    /// </summary>
    public IReadOnlyList<int>? PromptIds { get; init; }

    /// <summary>
    /// The forced beginning of a target, for models that write a target given a source. Samples are what follows it.
    /// Null for none.
    /// </summary>
    public string? Prefix { get; init; }

    /// <summary>Whether the samples of a model with attention carry <see cref="TextSample.Alignments"/>.</summary>
    public bool Alignments { get; init; }

    /// <summary>
    /// The number of most probable tokens, from 0 to 100, that each token of a text sample carries as its
    /// <see cref="TokenChoice.Alternatives"/>.
    /// </summary>
    public int Alternatives { get; init; }

    /// <summary>Token ids that end a text sample in addition to the end-of-text token.</summary>
    public IReadOnlyList<int> EndIds { get; init; } = [];

    /// <summary>A file to continue or to work on: sentences to tag, the beginning of a series; null for none.</summary>
    public InputData? Input { get; init; }

    /// <summary>
    /// The numbers, from 0, of the frames of a video that <see cref="Input"/> gives; the others are generated. Null
    /// gives the first frames, as many as the input has.
    /// </summary>
    public IReadOnlyList<int>? GivenFrames { get; init; }

    /// <summary>
    /// The length of a sound or a video in seconds, with the beginning that <see cref="Input"/> gives; null for the
    /// length of the model's training clips.
    /// </summary>
    public double? Seconds { get; init; }

    /// <summary>
    /// The part of the sound in <see cref="Input"/> that is generated anew; null continues the sound.
    /// </summary>
    public TimeRange? Gap { get; init; }

    /// <summary>The evidence: known values by column, such as "smoke" = "yes".</summary>
    public IReadOnlyDictionary<string, string> Evidence { get; init; } = new Dictionary<string, string>();

    /// <summary>Known hidden states by their position in the sample, from 0.</summary>
    public IReadOnlyDictionary<int, string> States { get; init; } = new Dictionary<int, string>();

    /// <summary>The name of the class to generate; null for any class.</summary>
    public string? Class { get; init; }

    /// <summary>Sampling options of image models; null takes the model's defaults.</summary>
    public SamplingOptions? Drawing { get; init; }

    /// <summary>Decoding options of text models; null takes the bundle's defaults.</summary>
    public DecodingOptions? Decoding { get; init; }

    /// <summary>
    /// Returns this request if it asks for at least one sample and sets only options that the generator supports.
    /// </summary>
    /// <param name="prompt">Whether the generator supports a prompt.</param>
    /// <param name="input">Whether it supports an input file.</param>
    /// <param name="evidence">Whether it supports evidence.</param>
    /// <param name="states">Whether it supports known states.</param>
    /// <param name="classes">Whether it supports a class.</param>
    /// <param name="drawing">Whether it supports sampling options of images.</param>
    /// <param name="only">Whether it can draw a single sample of several.</param>
    /// <param name="decoding">Whether it supports decoding options.</param>
    /// <param name="length">Whether it supports a maximum length.</param>
    /// <param name="target">Whether it writes a target, with a prefix and alignments, given a source.</param>
    /// <param name="frames">Whether it supports given frames.</param>
    /// <param name="seconds">Whether it supports a length in seconds.</param>
    /// <param name="gap">Whether it fills in a gap of a sound.</param>
    /// <param name="alternatives">Whether tokens can carry alternatives.</param>
    /// <exception cref="AtelierException">The request sets an option that the generator does not support.</exception>
    public GenerationRequest Check(bool prompt = false, bool input = false, bool evidence = false, bool states = false,
        bool classes = false, bool drawing = false, bool only = false, bool decoding = false, bool length = false,
        bool target = false, bool frames = false, bool seconds = false, bool gap = false,
        bool alternatives = false)
    {
        if (Alternatives is < 0 or > MostAlternatives)
            throw new AtelierException($"{Alternatives} alternatives of each token",
                hint: $"allowed: 0 to {MostAlternatives}");
        if (Count < 1)
            throw new AtelierException($"the count is {Count}", hint: "allowed: 1 or more");
        ReadOnlySpan<(string Name, bool IsSet, bool IsSupported)> parts =
        [
            ("a prompt", Prompt is not null, prompt), ("an input file", Input is not null, input),
            ("evidence", Evidence.Count > 0, evidence), ("known states", States.Count > 0, states),
            ("a class", Class is not null, classes), ("sampling options", Drawing is not null, drawing),
            ("a single sample of several", Only is not null, only),
            ("given frames", GivenFrames is not null, frames), ("a length in seconds", Seconds is not null, seconds),
            ("a gap of a sound", Gap is not null, gap),
            ("a forced prefix", Prefix is not null, target), ("alignments", Alignments, target),
            ("alternatives of tokens", Alternatives != 0, alternatives),
            (length ? "decoding options other than the maximum number of tokens"
                : "decoding options (such as temperature)", SetsDecoding(length), decoding),
        ];
        if (Only is < 0 || Only >= Count)
            throw new AtelierException($"sample {Only} of {Count} does not exist", hint: "samples are numbered from 0");
        foreach ((string name, bool isSet, bool isSupported) in parts)
        {
            if (isSet && !isSupported)
                throw new AtelierException($"this kind of model does not support {name}", hint: "leave it out");
        }
        return this;
    }

    private bool SetsDecoding(bool exceptLength)
    {
        var defaults = new DecodingOptions();
        return Decoding is not null && !(exceptLength && Decoding with { MaxTokens = defaults.MaxTokens } == defaults);
    }
}
