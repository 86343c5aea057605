using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation.Chat;
using Atelier.Generation.Explaining;
using Atelier.Generation.Speculative;
using Atelier.Tokenizers;

namespace Atelier.Generation;

/// <summary>A piece of a sample, returned as soon as it is final.</summary>
/// <param name="Sample">The index of its sample, from 0.</param>
/// <param name="Text">New text; may be empty.</param>
/// <param name="Token">The chosen token; null for the piece that ends a sample.</param>
/// <param name="FinishReason">"end", "stop" or "length" in the last piece of a sample; otherwise null.</param>
public readonly record struct TextPiece(int Sample, string Text, TokenChoice? Token, string? FinishReason)
{
    /// <summary>In the last piece of a sample: the counts of speculative decoding.</summary>
    public SpeculationCounts Speculation { get; init; }

    /// <summary>
    /// The attention with which the token was predicted: a number for each token of the source. Empty if the request
    /// did not ask for alignments.
    /// </summary>
    public ReadOnlyMemory<float> Alignment { get; init; }
}

/// <summary>
/// Generates text with a language model: prompts, sampling or beam search, stop strings, several samples at once.
/// Samples are independent of one another: sample i of a seed is the same for any number of samples and of concurrent
/// requests.
/// </summary>
/// <remarks>
/// Safe for concurrent use: any number of requests may run at the same time. If the model is an
/// <see cref="IBatchedLanguageModel"/>, they run together in one batch; otherwise they take turns, one step each. A
/// caller that stops reading does not delay the others. Disposing an enumerator, as <c>await foreach</c> does, ends its
/// request. A cancelled request does not wait for its turn.
/// </remarks>
/// <param name="model">The language model. Disposed with the generator.</param>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="defaults">The sampling defaults, used if a request does not set them.</param>
/// <param name="bounds">The tokens with which a text begins and ends.</param>
public sealed class TextGenerator(ILanguageModel model, Tokenizer tokenizer, DecodingOptions defaults,
    TextBounds bounds) : ITrainedModel, ITextGenerator, ITextExplainable
{
    private readonly TextPipeline _pipeline = new(tokenizer, bounds.EndIds, model.RunsInParallel);
    private readonly Lock _batchGate = new();
    private SharedBatch? _batch;
    private TextGenerator? _draft;

    /// <summary>Creates a generator whose texts end with the tokenizer's end-of-text token.</summary>
    /// <param name="model">The language model. Disposed with the generator.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="defaults">The sampling defaults, used if a request does not set them.</param>
    /// <param name="startId">The start token, which precedes every text and is not part of it.</param>
    public TextGenerator(ILanguageModel model, Tokenizer tokenizer, DecodingOptions defaults, int startId)
        : this(model, tokenizer, defaults, TextBounds.Of(tokenizer, startId))
    {
    }

    /// <summary>The model.</summary>
    public ILanguageModel Model { get; } = model;

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; } = tokenizer;

    /// <summary>The sampling defaults, used where a request does not set them.</summary>
    public DecodingOptions Defaults { get; } = defaults;

    /// <summary>The tokens with which a text begins and ends.</summary>
    public TextBounds Bounds { get; } = bounds;

    /// <summary>The start token.</summary>
    public int StartId => Bounds.StartId;

    /// <summary>The model's chat template, a Jinja program; null if its files have none.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>
    /// A smaller model of the same vocabulary that proposes tokens for the model to accept or reject (speculative
    /// decoding; Leviathan et al. 2023). It is faster where the two agree, and the distribution of samples does not
    /// change. Null decodes without a draft. Requests that began earlier continue without it. The generator does not
    /// dispose it.
    /// </summary>
    /// <exception cref="AtelierException">The vocabularies of the two models differ.</exception>
    public TextGenerator? Draft
    {
        get => _draft;
        set
        {
            if (value is not null && !SameTokens(Tokenizer, value.Tokenizer))
            {
                throw new AtelierException(
                    $"the draft model has another vocabulary: {value.Tokenizer.VocabularySize} and "
                        + $"{Tokenizer.VocabularySize} tokens, or other texts",
                    hint: "use a draft model with the same tokenizer");
            }
            lock (_batchGate)
                (_draft, _batch) = (value, null);
        }
    }

    private SharedBatch Batch
    {
        get
        {
            lock (_batchGate)
                return _batch ??= new SharedBatch(this, _pipeline.Turns);
        }
    }

    /// <summary>
    /// Runs the model with an adapter from now on, without loading its weights again. Must not be called while a
    /// request is running.
    /// </summary>
    /// <param name="folder">The folder of the adapter, in the files of PEFT; null runs the model without one.</param>
    /// <exception cref="AtelierException">There is no adapter, it belongs to a model of another shape, or this kind of
    /// model takes none; the model then runs as before.</exception>
    public void UseAdapter(string? folder)
    {
        LoraAdapter? adapter = folder is null ? null : PeftFiles.Read(folder);
        IAdaptable adaptable = Model as IAdaptable
            ?? throw new AtelierException("this kind of model takes no adapters", folder, "leave the adapter out");
        adaptable.UseAdapter(adapter);
    }

    /// <inheritdoc/>
    public T? As<T>()
        where T : class =>
        this as T ?? (typeof(T) == typeof(IEmbeddingGradients) || typeof(T) == typeof(IAttentionHeads)
            ? Model as T
            : Model is IExplainableTokens tokens ? new NamedTokens(tokens, Tokenizer) as T : null);

    /// <inheritdoc/>
    async IAsyncEnumerable<Sample> IGenerator.GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (TextSample sample in GenerateAsync(request, cancellation).ConfigureAwait(false))
            yield return sample;
    }

    /// <summary>Draws samples and returns each as soon as it is complete, in the order in which they end.</summary>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    public async IAsyncEnumerable<TextSample> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        IAsyncEnumerable<TextPiece> pieces = StreamAsync(request, cancellation);
        await foreach ((_, TextSample sample, _) in TextPipeline
            .CollectAsync(pieces, Math.Max(0, request.Count), cancellation).ConfigureAwait(false))
            yield return sample;
    }

    /// <summary>
    /// Draws samples concurrently and returns each piece of text as soon as it is final. Results of beam search are
    /// returned when the search ends.
    /// </summary>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    public async IAsyncEnumerable<TextPiece> StreamAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        DecodingOptions options = request.Decoding ?? Defaults;
        TextDraft[] drafts = Begin(request, options);
        await Task.Yield(); // return the enumerator before the first step runs
        ILanguageModel given = request.States.Count > 0
            ? ((IHiddenStates)Model).Given(request.States, drafts[0].Ids.Count, options.MaxTokens)
            : Model;
        bool joinsBatch = request.States.Count == 0
            && (Draft is not null || options.Lookup > 0 || Model is IBatchedLanguageModel);
        IAsyncEnumerable<TextPiece> pieces = joinsBatch && options.BeamWidth == 1
            ? Batch.StreamAsync(drafts, cancellation)
            : _pipeline.StreamAsync(given, drafts, drafts.Length, isAligned: false, cancellation);
        await foreach (TextPiece piece in pieces.ConfigureAwait(false))
            yield return piece;
    }

    /// <inheritdoc/>
    public TextExplanation ExplainText(TextExplanationRequest request, CancellationToken cancellation = default) =>
        new CausalExplainer(Model, Tokenizer, Bounds).Explain(request, cancellation);

    /// <inheritdoc/>
    public string BeginningOf(GenerationRequest request) => request.Prompt ?? "";

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    /// <summary>Creates a request's samples.</summary>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    internal TextDraft[] Begin(GenerationRequest request, DecodingOptions options)
    {
        request.Check(prompt: true, states: Model is IHiddenStates, decoding: true, alternatives: true);
        TextPipeline.Check(request, options);
        if (options.CoveragePenalty > 0)
            throw new AtelierException("a coverage penalty needs a model that writes a target given a source",
                hint: $"leave out {Mention.Field("coveragePenalty")}");
        if (request.States.Count > 0 && (Draft is not null || options.Lookup > 0))
            throw new AtelierException("known states and a draft cannot be combined", hint: "use one of them");
        if (options.BeamWidth > 1 && (Draft is not null || options.Lookup > 0))
            throw new AtelierException("beam search cannot use a draft model or lookup",
                hint: "leave out the beams or the draft");
        if (Draft is not null && options.Lookup > 0)
            throw new AtelierException("a draft model and lookup cannot be combined", hint: "use one of them");
        if (request.PromptIds is { } ids
            && (ids.Count == 0 || ids.Any(id => id < 0 || id >= Tokenizer.VocabularySize)
                || request.Prompt is not null))
            throw new AtelierException("the prompt tokens are empty, unknown to the model, or combined with a prompt",
                hint: $"use tokens from 0 to {Tokenizer.VocabularySize - 1}, without a prompt");
        int[] prompt = request.PromptIds is null
            ? Bounds.Begin(Tokenizer.Encode(request.Prompt ?? ""))
            : [.. request.PromptIds];
        bool isFresh = prompt.Length == 1 && (request.PromptIds is not null || prompt[0] == StartId);
        return _pipeline.Begin(request, options, prompt, isFresh);
    }

    private static bool SameTokens(Tokenizer a, Tokenizer b)
    {
        if (a.VocabularySize != b.VocabularySize || a.EndOfTextId != b.EndOfTextId)
            return false;
        for (int id = 0; id < a.VocabularySize; id++)
        {
            if (!a.Bytes(id).SequenceEqual(b.Bytes(id)))
                return false;
        }
        return true;
    }

    /// <summary>Explains a model of tokens with the names that the tokenizer gives them.</summary>
    private sealed class NamedTokens(IExplainableTokens model, Tokenizer tokenizer) : IExplainable
    {
        public Explanation Explain(CancellationToken cancellation = default) => model.Explain(tokenizer, cancellation);
    }
}
