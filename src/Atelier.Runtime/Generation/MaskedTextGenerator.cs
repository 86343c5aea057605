using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Generation.Explaining;
using Atelier.Tokenizers;

namespace Atelier.Generation;

/// <summary>
/// Fills in the masks of texts, and writes texts, with a masked language model. Safe for concurrent use.
/// </summary>
/// <remarks>
/// A prompt with masks is filled in; a prompt without masks is continued by as many tokens as the decoding options
/// allow, which are masks at first. Three samplers choose the tokens: "confidence" fills in one mask after the other,
/// the most certain first; "mask-predict" predicts all of them and then again those that are least certain
/// (Ghazvininejad et al. 2019); "gibbs" draws each given all others, again and again (Wang and Cho 2019).
/// </remarks>
/// <param name="model">The model. Disposed with the generator.</param>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="tokens">The special tokens of the model.</param>
/// <param name="defaults">The decoding defaults, used where a request does not set them.</param>
public sealed class MaskedTextGenerator(IMaskedLanguageModel model, Tokenizer tokenizer, MaskedTokens tokens,
    DecodingOptions defaults) : ITrainedModel, IGenerator, IInfiller, ITextExplainable
{
    private const string Confidence = "confidence", MaskPredict = "mask-predict", Gibbs = "gibbs";
    private const int UsualAlternatives = 5;
    private readonly ulong[] _allowed = Allowed(model, tokenizer);

    /// <summary>The names of the samplers.</summary>
    public static IReadOnlyList<string> SamplerNames { get; } = [Confidence, MaskPredict, Gibbs];

    /// <summary>The number of steps of the samplers that repeat, if a request does not set it.</summary>
    public static int UsualSteps => 10;

    /// <summary>The model.</summary>
    public IMaskedLanguageModel Model { get; } = model;

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; } = tokenizer;

    /// <summary>The special tokens of the model.</summary>
    public MaskedTokens Tokens { get; } = tokens;

    /// <summary>The decoding defaults, used where a request does not set them.</summary>
    public DecodingOptions Defaults { get; } = defaults;

    /// <inheritdoc/>
    public string MaskText => Tokens.MaskText;

    /// <summary>Turns texts into vectors with the hidden states of the model; null if it does not.</summary>
    public ITextEmbedder? Embedder { get; init; }

    /// <summary>The number of tokens of the longest text that the model can read.</summary>
    public int LongestText => Model.ContextLength - Tokens.AddedCount;

    /// <inheritdoc/>
    /// <remarks>A model whose files have no head that predicts tokens neither generates nor fills in.</remarks>
    public T? As<T>()
        where T : class => typeof(T) == typeof(ITextEmbedder) ? Embedder as T
        : typeof(T) == typeof(IEmbeddingGradients) ? Model as T
        : !Model.PredictsTokens && (typeof(T) == typeof(IGenerator) || typeof(T) == typeof(IInfiller)) ? null
        : this as T;

    /// <inheritdoc/>
    public InfilledSample Infill(string text, int alternatives = 5, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(alternatives);
        int[] ids = Encode(text);
        return ids.Contains(RequireMask())
            ? Infill(ids, alternatives, cancellation)
            : throw new AtelierException("the text has no mask to fill in", hint: $"write {MaskText} in it");
    }

    /// <summary>Fills in the masks of a text by confidence, as <see cref="Infill(string, int, CancellationToken)"/>
    /// does.</summary>
    /// <param name="ids">The tokens of the text, without the special tokens around it.</param>
    /// <param name="alternatives">The number of most probable tokens to return for each mask.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The text is longer than the context of the model.</exception>
    public InfilledSample Infill(ReadOnlySpan<int> ids, int alternatives, CancellationToken cancellation = default)
    {
        MaskedDraft draft = Draft(ids, seed: 0);
        var samplers = new MaskedSamplers(Model, RequireMask(), _allowed, Defaults with { Temperature = 0 },
            alternatives);
        samplers.ByConfidence([draft], cancellation);
        return Sample(draft, Confidence);
    }

    /// <inheritdoc/>
    public TextExplanation ExplainText(TextExplanationRequest request, CancellationToken cancellation = default)
    {
        if (request.Token is not null)
            RequireMask();
        return new MaskedExplainer(Tokenizer, Tokens)
            .Explain(Model, Surround(Encode(request.Text)), request, cancellation);
    }

    /// <inheritdoc/>
    public double PseudoLogLikelihood(string text, CancellationToken cancellation = default)
    {
        int[] ids = Tokenizer.Encode(text);
        if (ids.Length == 0)
            throw new AtelierException("the text is empty", hint: "provide a text");
        return Score(ids, Enumerable.Range(0, ids.Length).Select(i => (int[])[i]), cancellation)
            .Sum(score => score.LogProbability);
    }

    /// <summary>Scores tokens of a text, each given those that are not in the same group.</summary>
    /// <param name="ids">The tokens of the text, without the special tokens around it.</param>
    /// <param name="groups">Groups of positions in the text; those of a group are masked together.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The scores, group by group.</returns>
    /// <exception cref="AtelierException">The text is longer than the context of the model.</exception>
    public IEnumerable<TokenScore> Score(ReadOnlySpan<int> ids, IEnumerable<int[]> groups,
        CancellationToken cancellation = default)
    {
        int[] whole = Surround(ids);
        int lead = Tokens.LeadingCount;
        return Model.Score([.. groups.Select(group =>
            new MaskedSequence(whole, group.Select(position => position + lead).ToArray()))], RequireMask(),
            cancellation).SelectMany(scores => scores);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(prompt: true, only: true, drawing: true, decoding: true);
        int mask = RequireMask();
        int[] ids = Encode(request.Prompt ?? "");
        bool fills = ids.Contains(mask);
        // what fits best, unless the request says how to draw
        DecodingOptions options = request.Decoding ?? (fills ? Defaults with { Temperature = 0 } : Defaults);
        string sampler = request.Drawing?.Sampler ?? (fills ? Confidence : MaskPredict);
        Refuse(options.Check(), request.Drawing, sampler);
        if (!fills)
            ids = [.. ids, .. Enumerable.Repeat(mask, Math.Clamp(LongestText - ids.Length, 1, options.MaxTokens))];
        int steps = request.Drawing?.Steps ?? UsualSteps;
        MaskedDraft[] drafts = [.. Enumerable.Range(0, request.Count)
            .Select(i => Draft(ids, SplitMix64.At((ulong)request.Seed, (ulong)i)))];
        await Task.Yield(); // return the enumerator before the first step runs
        var samplers = new MaskedSamplers(Model, mask, _allowed, options, fills ? UsualAlternatives : 0);
        switch (sampler)
        {
            case Confidence:
                samplers.ByConfidence(drafts, cancellation);
                break;
            case MaskPredict:
                samplers.ByMaskPredict(drafts, steps, cancellation);
                break;
            default:
                samplers.ByGibbs(drafts, steps, cancellation);
                break;
        }
        foreach (MaskedDraft draft in drafts.Where((_, i) => request.Only is null || request.Only == i))
            yield return Sample(draft, sampler);
    }

    /// <summary>Returns a text as the tokenizer decodes it, with <see cref="MaskText"/> for masks.</summary>
    /// <param name="ids">The tokens.</param>
    public string Decode(ReadOnlySpan<int> ids)
    {
        // a piece of a text is decoded without its first space
        string mark = Tokenizer.BeginsWithSpace ? $" {MaskText} " : MaskText;
        var text = new System.Text.StringBuilder();
        while (!ids.IsEmpty)
        {
            int next = Tokens.MaskId is { } mask ? ids.IndexOf(mask) : -1;
            text.Append(Tokenizer.DecodeText(next < 0 ? ids : ids[..next])).Append(next < 0 ? "" : mark);
            ids = next < 0 ? [] : ids[(next + 1)..];
        }
        return mark == MaskText ? text.ToString() : text.Replace("  ", " ").ToString().Trim();
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    /// <summary>Encodes a text in which masks are written as <see cref="MaskText"/>.</summary>
    private int[] Encode(string text)
    {
        string[] pieces = text.Split(MaskText);
        if (pieces.Length > 1)
            RequireMask();
        // In such vocabularies a space belongs to the word after it, and so to the token that the mask stands for.
        bool joinsSpaces = Tokenizer.BeginsWithSpace || Tokenizer.Kind == "bpe";
        var ids = new List<int>();
        foreach ((int i, string piece) in pieces.Index())
        {
            bool isLast = i == pieces.Length - 1;
            string own = joinsSpaces && !isLast && piece.EndsWith(' ') ? piece[..^1] : piece;
            if (own.Length > 0)
                Tokenizer.EncodePart(own, isFirst: i == 0, ids);
            if (!isLast)
                ids.Add(RequireMask());
        }
        return [.. ids];
    }

    private int RequireMask()
    {
        if (!Model.PredictsTokens)
            throw new AtelierException("the model has no head that predicts tokens",
                hint: "use a model that was saved with its masked language model head");
        return Tokens.MaskId ?? throw new AtelierException("the tokenizer has no mask token, such as [MASK] or <mask>",
            hint: "use the tokenizer.json of the model");
    }

    private int[] Surround(ReadOnlySpan<int> ids) => ids.Length <= LongestText ? Tokens.Surround(ids)
        : throw new AtelierException($"the text has {Quantity.Of(ids.Length, "token")}, but the model reads "
            + $"{LongestText}", hint: "shorten it");

    private MaskedDraft Draft(ReadOnlySpan<int> ids, ulong seed)
    {
        int[] whole = Surround(ids);
        int lead = Tokens.LeadingCount, length = ids.Length;
        return new(whole, [.. Enumerable.Range(lead, length).Where(at => whole[at] == Tokens.MaskId)], seed);
    }

    private InfilledSample Sample(MaskedDraft draft, string sampler)
    {
        ReadOnlySpan<int> ids = draft.Tokens.AsSpan(Tokens.LeadingCount, draft.Tokens.Length - Tokens.AddedCount);
        FilledMask[] masks = [.. draft.Open.Select(at => draft.Choices[at]).Select(choice => new FilledMask(
            Text(choice.Token.Id), Math.Exp(choice.Token.LogProbability), choice.Order,
            [.. choice.Alternatives.Select(one => new TokenAlternative(Text(one.Id), Math.Exp(one.LogProbability)))]))];
        return new InfilledSample(Decode(ids), masks)
        {
            // only then is each token chosen given those before it alone
            LogProbability = sampler == Confidence
                ? draft.Choices.Values.Sum(choice => (double)choice.Token.LogProbability) : null,
        };
    }

    private string Text(int id) => Tokenizer.DecodeText([id]) is { Length: > 0 } text ? text : Tokenizer.Name(id);

    private static void Refuse(DecodingOptions options, SamplingOptions? sampling, string sampler)
    {
        var usual = new DecodingOptions();
        ReadOnlySpan<(string Name, bool IsSet)> unsupported =
        [
            ("beamWidth", options.BeamWidth != usual.BeamWidth),
            ("lengthPenalty", options.LengthPenalty != usual.LengthPenalty),
            ("coveragePenalty", options.CoveragePenalty != usual.CoveragePenalty),
            ("beamGroups", options.BeamGroups != usual.BeamGroups),
            ("diversityPenalty", options.DiversityPenalty != usual.DiversityPenalty),
            ("earlyStopping", options.EarlyStopping != usual.EarlyStopping),
            ("noRepeatNgram", options.NoRepeatNgram != usual.NoRepeatNgram),
            ("minTokens", options.MinTokens != usual.MinTokens),
            ("repetitionPenalty", options.RepetitionPenalty != usual.RepetitionPenalty),
            ("presencePenalty", options.PresencePenalty != usual.PresencePenalty),
            ("frequencyPenalty", options.FrequencyPenalty != usual.FrequencyPenalty),
            ("stop", options.Stop.Count > 0), ("pattern", options.Pattern is not null),
            ("schema", options.Schema is not null), ("grammar", options.Grammar is not null),
            ("lookup", options.Lookup != usual.Lookup),
            ("draftTokens", options.DraftTokens != usual.DraftTokens),
        ];
        foreach ((string name, bool isSet) in unsupported)
        {
            if (isSet)
                throw new AtelierException("a masked language model does not support this option", Mention.Field(name),
                    "leave it out");
        }
        if (sampling is null)
            return;
        if (sampling with { Sampler = null, Steps = null } != new SamplingOptions())
            throw new AtelierException("a masked language model supports only a sampler and its number of steps",
                hint: "leave out the options of images");
        if (!SamplerNames.Contains(sampler))
            throw new AtelierException($"there is no sampler '{sampler}' for text", Mention.Field("sampler"),
                $"there are {string.Join(", ", SamplerNames)}");
        if (sampling.Steps is { } steps && (steps < 1 || sampler == Confidence))
            throw new AtelierException(steps < 1 ? $"steps is {steps}" : "the sampler confidence has one step a mask",
                Mention.Field("steps"), steps < 1 ? "allowed: 1 or more" : "leave it out");
    }

    /// <summary>Returns a bit for each token that has a text; special tokens have none.</summary>
    private static ulong[] Allowed(IMaskedLanguageModel model, Tokenizer tokenizer)
    {
        ulong[] bits = new ulong[(model.VocabularySize + 63) / 64];
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (!tokenizer.Bytes(id).IsEmpty)
                bits[id >> 6] |= 1UL << (id & 63);
        }
        return bits;
    }
}
