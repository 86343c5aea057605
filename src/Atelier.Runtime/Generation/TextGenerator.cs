using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation.Chat;
using Atelier.Generation.Constraints;
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
    TextBounds bounds) : ITrainedModel, IGenerator
{
    private readonly ConstraintCache _constraints = new(tokenizer, bounds.EndIds);
    private readonly TokenTexts _texts = new(tokenizer);
    private readonly SemaphoreSlim _turns = new(1, 1); // held during a step, never while a caller processes a piece
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
                return _batch ??= new SharedBatch(this, _turns);
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
        this as T ?? (Model is IExplainableTokens tokens ? new NamedTokens(tokens, Tokenizer) as T : null);

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
        var texts = new System.Text.StringBuilder[Math.Max(0, request.Count)];
        var tokens = new List<TokenChoice>[texts.Length];
        await foreach (TextPiece piece in StreamAsync(request, cancellation).ConfigureAwait(false))
        {
            System.Text.StringBuilder text = texts[piece.Sample] ??= new();
            List<TokenChoice> choices = tokens[piece.Sample] ??= [];
            text.Append(piece.Text);
            if (piece.Token is TokenChoice choice)
                choices.Add(choice);
            if (piece.FinishReason is not null)
            {
                yield return new TextSample(text.ToString())
                {
                    Tokens = choices,
                    LogProbability = choices.Sum(t => (double)t.LogProbability),
                    FinishReason = piece.FinishReason,
                    Speculation = piece.Speculation,
                };
            }
        }
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
        IAsyncEnumerable<TextPiece> pieces = options.BeamWidth > 1
            ? SearchAsync(given, drafts, options, cancellation)
            : joinsBatch
                ? Batch.StreamAsync(drafts, cancellation)
                : SampleInStepAsync(given, drafts, options, cancellation);
        await foreach (TextPiece piece in pieces.ConfigureAwait(false))
            yield return piece;
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    /// <summary>Creates a request's samples.</summary>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    internal TextDraft[] Begin(GenerationRequest request, DecodingOptions options)
    {
        request.Check(prompt: true, states: Model is IHiddenStates, decoding: true);
        if (options.BeamWidth > 1 && request.Count > options.BeamWidth)
            throw new AtelierException($"the count is {request.Count}, more than the {options.BeamWidth} beams",
                hint: "request at most as many samples as beams");
        options.Check();
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
        TokenConstraint? constraint = _constraints.For(options);
        int[] ends = [.. Bounds.EndIds, .. request.EndIds];
        return [.. Enumerable.Range(0, request.Count).Select(NewDraft)];

        TextDraft NewDraft(int index)
        {
            ulong seed = SplitMix64.At((ulong)request.Seed, (ulong)index);
            return new(index, prompt, _texts, options, constraint, seed, isFresh) { EndIds = ends };
        }
    }

    /// <summary>Advances all samples by one token at a time, which every model supports.</summary>
    private async IAsyncEnumerable<TextPiece> SampleInStepAsync(
        ILanguageModel given, TextDraft[] drafts, DecodingOptions options,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        int vocabulary = given.VocabularySize;
        var sampler = new TokenSampler(options, vocabulary);
        List<TextDraft> active = [.. drafts];
        Func<int, List<int>> history = i => active[i].Ids;
        var going = new List<int>(active.Count);
        int[] last = new int[active.Count];
        RollingState? states = null;
        try
        {
            await InTurnAsync(() => states = new RollingState(given, [.. drafts[0].Ids], active.Count), cancellation)
                .ConfigureAwait(false);
            while (true)
            {
                going.Clear();
                for (int row = 0; row < active.Count; row++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    TextDraft draft = active[row];
                    yield return draft.Add(draft.Choose(sampler, states!.Logits.AsSpan(row * vocabulary, vocabulary)));
                    if (draft.FinishReason is null)
                        going.Add(row);
                }
                if (going.Count == 0)
                    yield break;
                await InTurnAsync(Advance, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            states?.Dispose();
        }

        void Advance()
        {
            if (going.Count < active.Count)
            {
                states!.Select([.. going]);
                active = [.. going.Select(row => active[row])];
            }
            for (int row = 0; row < active.Count; row++)
                last[row] = active[row].LastId;
            states!.Append(last.AsSpan(0, active.Count), history);
        }
    }

    private async IAsyncEnumerable<TextPiece> SearchAsync(
        ILanguageModel given, TextDraft[] drafts, DecodingOptions options,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        int number = 0;
        using var search = new BeamSearch(given, drafts[0], options);
        do
        {
            cancellation.ThrowIfCancellationRequested();
            await InTurnAsync(search.Advance, cancellation).ConfigureAwait(false);
        }
        while (!search.IsOver);
        foreach (Beam beam in search.Best().Take(drafts.Length))
        {
            TextDraft draft = drafts[number++];
            foreach (TokenChoice choice in beam.Tokens)
            {
                yield return draft.Add(choice);
                if (draft.FinishReason is not null)
                    break;
            }
        }
    }

    /// <summary>
    /// Runs a step while no other request uses the model, unless the model supports concurrent steps.
    /// </summary>
    private async ValueTask InTurnAsync(Action step, CancellationToken cancellation)
    {
        if (Model.RunsInParallel)
        {
            step();
            return;
        }
        await _turns.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            step();
        }
        finally
        {
            _turns.Release();
        }
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
