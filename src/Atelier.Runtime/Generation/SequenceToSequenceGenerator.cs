using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Generation.Explaining;
using Atelier.Generation.Speculative;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Generation;

/// <summary>
/// Writes target texts given source texts: translations, summaries, answers. The prompt of a request is the source.
/// Sampling, beam search, constraints, stop strings and streaming work as in <see cref="TextGenerator"/>.
/// </summary>
/// <remarks>
/// Safe for concurrent use: requests take turns, one step each, and each gets the samples that it would get alone. A
/// cancelled request does not wait for its turn.
/// </remarks>
public sealed class SequenceToSequenceGenerator : ITrainedModel, ITextGenerator, ITextExplainable
{
    private const int MostExplained = 64; // tokens of a target that the model writes to explain it

    private readonly TextPipeline _pipeline;

    /// <summary>Creates a generator.</summary>
    /// <param name="model">The model. Disposed with the generator.</param>
    /// <param name="sourceTokenizer">The tokenizer of sources.</param>
    /// <param name="tokenizer">The tokenizer of targets; may be the same.</param>
    /// <param name="defaults">The decoding defaults, used if a request does not set them.</param>
    /// <param name="tokens">The special tokens of sources and targets.</param>
    /// <exception cref="AtelierException">A tokenizer has another number of tokens than the model, or a special token
    /// is not among them.</exception>
    public SequenceToSequenceGenerator(ISequenceToSequenceModel model, Tokenizer sourceTokenizer, Tokenizer tokenizer,
        DecodingOptions defaults, SequenceToSequenceTokens tokens)
    {
        Check("sources", model.SourceVocabularySize, sourceTokenizer,
            [.. tokens.SourceStartIds, .. tokens.SourceEndIds]);
        Check("targets", model.VocabularySize, tokenizer, [tokens.StartId, .. tokens.ForcedStartIds, .. tokens.EndIds]);
        (Model, SourceTokenizer, Tokenizer, Defaults, Tokens) = (model, sourceTokenizer, tokenizer, defaults, tokens);
        _pipeline = new TextPipeline(tokenizer, tokens.EndIds, runsInParallel: false);

        static void Check(string texts, int vocabulary, Tokenizer tokenizer, int[] specials)
        {
            if (tokenizer.VocabularySize != vocabulary)
                throw new AtelierException(
                    $"the model has {vocabulary} tokens for {texts}, but the tokenizer has {tokenizer.VocabularySize}",
                    hint: "use the tokenizer that the model was trained with");
            if (Array.Exists(specials, id => id < 0 || id >= vocabulary))
                throw new AtelierException($"a special token of {texts} is not among the {vocabulary} tokens",
                    hint: "name tokens that the tokenizer has");
        }
    }

    /// <summary>The model.</summary>
    public ISequenceToSequenceModel Model { get; }

    /// <summary>The tokenizer of sources.</summary>
    public Tokenizer SourceTokenizer { get; }

    /// <summary>The tokenizer of targets.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The decoding defaults, used where a request does not set them.</summary>
    public DecodingOptions Defaults { get; }

    /// <summary>The special tokens of sources and targets.</summary>
    public SequenceToSequenceTokens Tokens { get; }

    /// <summary>
    /// Whether sources that are too long for the model are cut off at the end. By default, they are refused.
    /// </summary>
    public bool TruncatesSources { get; init; }

    /// <inheritdoc/>
    async IAsyncEnumerable<Sample> IGenerator.GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (TextSample sample in GenerateAsync(request, cancellation).ConfigureAwait(false))
            yield return sample;
    }

    /// <summary>Writes targets for one source and returns each as soon as it is complete.</summary>
    /// <param name="request">The request; its prompt is the source.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    public async IAsyncEnumerable<TextSample> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        int[][] source = [SourceOf(request)];
        TextDraft[] drafts = Begin(request, source);
        await Task.Yield(); // return the enumerator before the first step runs
        await foreach ((_, TextSample sample) in WriteAsync(Model, request, source, drafts, cancellation)
            .ConfigureAwait(false))
            yield return sample;
    }

    /// <summary>
    /// Writes targets for one source and returns each piece of text as soon as it is final. Results of beam search are
    /// returned when the search ends.
    /// </summary>
    /// <param name="request">The request; its prompt is the source.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    public async IAsyncEnumerable<TextPiece> StreamAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        int[][] source = [SourceOf(request)];
        TextDraft[] drafts = Begin(request, source);
        await Task.Yield(); // return the enumerator before the first step runs
        await foreach (TextPiece piece in Pieces(Model, request, source, drafts, cancellation).ConfigureAwait(false))
            yield return piece;
    }

    /// <summary>
    /// Writes targets for many sources, a batch of sources of similar lengths at a time. Each source gets the samples
    /// that a request with the same seed for it alone would get.
    /// </summary>
    /// <param name="sources">The source texts.</param>
    /// <param name="request">The request, without a prompt; null writes one target for each source with the
    /// defaults.</param>
    /// <param name="batchSize">The largest number of sources at a time, at least 1. Beam search keeps as many sequences
    /// as sources times beams.</param>
    /// <param name="progress">Receives the number of sources that are done after each batch.</param>
    /// <param name="cancellation">Cancels the operation between steps.</param>
    /// <returns>The samples in the order of their sources, as many for each source as the request's count.</returns>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why. All sources are
    /// checked before the first is read.</exception>
    public async Task<IReadOnlyList<TextSample>> GenerateManyAsync(IReadOnlyList<string> sources,
        GenerationRequest? request = null, int batchSize = 64, IProgress<int>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        request ??= new GenerationRequest();
        if (request.Prompt is not null || request.PromptIds is not null)
            throw new AtelierException("a request for many sources has no source of its own",
                hint: $"leave out {Mention.Field("prompt")}");
        int[][] encoded = [.. sources.Select((source, i) => EncodeSource(source, $"source {i + 1}"))];
        var samples = new TextSample[sources.Count * Math.Max(0, request.Count)];
        int done = 0;
        // The states of a constraint are shared by all sources and found one after another.
        IReadOnlyList<ISequenceToSequenceModel> models = Model is IWorkerModel several
            && Begin(request, encoded.Take(1).ToArray()) is not [{ State: not null }, ..] ? several.Workers : [Model];
        // Similar lengths share a batch, so that little of it is padding; the longest come first.
        int[] byLength = [.. Enumerable.Range(0, encoded.Length).OrderByDescending(i => encoded[i].Length)];
        await WorkerBatches.RunAsync(models, byLength, batchSize, async (model, batch) =>
        {
            int[][] chosen = [.. batch.Select(i => encoded[i])];
            TextDraft[] drafts = Begin(request, chosen);
            await foreach ((int index, TextSample sample) in WriteAsync(model, request, chosen, drafts, cancellation)
                .ConfigureAwait(false))
                samples[batch[index / request.Count] * request.Count + index % request.Count] = sample;
            progress?.Report(Interlocked.Add(ref done, batch.Length));
        }, cancellation).ConfigureAwait(false);
        return samples;
    }

    /// <summary>
    /// Returns the tokens of a source, with its special tokens. If the tokenizer has sentinels, the names of its
    /// special tokens stand for these, as in "The &lt;extra_id_0&gt; sat" (Raffel et al. 2020).
    /// </summary>
    /// <param name="source">The source text.</param>
    /// <param name="where">The name of the source, for the error message.</param>
    /// <exception cref="AtelierException">The source is empty, too long, or has characters that the vocabulary
    /// lacks.</exception>
    public int[] EncodeSource(string source, string? where = null)
    {
        string whole = Tokens.SourcePrefix + source;
        int[] Encode() => SourceTokenizer.Special.Sentinels.Count == 0 ? SourceTokenizer.Encode(whole)
            : [.. SourceTokenizer.EncodeNamed(whole)];
        int[] text = where is null ? Encode() : AtelierException.At(where, Encode);
        int specials = Tokens.SourceStartIds.Count + Tokens.SourceEndIds.Count;
        int kept = TruncatesSources ? Math.Min(text.Length, Math.Max(0, Model.SourceLength - specials)) : text.Length;
        return CheckSource([.. Tokens.SourceStartIds, .. text.AsSpan(0, kept), .. Tokens.SourceEndIds], where);
    }

    /// <inheritdoc/>
    public T? As<T>()
        where T : class => typeof(T) == typeof(IEmbeddingGradients) ? Model as T : this as T;

    /// <inheritdoc/>
    public TextExplanation ExplainText(TextExplanationRequest request, CancellationToken cancellation = default)
    {
        int[] target = request.Target is { } given ? Tokenizer.Encode(given)
            : [.. Written().Where(id => !Tokens.EndIds.Contains(id))];
        return new SequenceToSequenceExplainer(Model, SourceTokenizer, Tokenizer, Tokens)
            .Explain(EncodeSource(request.Text), target, request, cancellation);

        IEnumerable<int> Written() => GenerateAsync(new GenerationRequest
        {
            Prompt = request.Text, Decoding = new DecodingOptions { Temperature = 0, MaxTokens = MostExplained },
        }, cancellation).ToBlockingEnumerable(cancellation).First().Tokens.Select(token => token.Id);
    }

    /// <inheritdoc/>
    public string BeginningOf(GenerationRequest request) => request.Prefix ?? "";

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    private int[] SourceOf(GenerationRequest request)
    {
        if (request.PromptIds is not { } ids)
            return EncodeSource(request.Prompt ?? throw new AtelierException("this kind of model needs a source text",
                hint: $"give the text with {Mention.Field("prompt")}"));
        if (request.Prompt is not null || ids.Any(id => id < 0 || id >= Model.SourceVocabularySize))
            throw new AtelierException("the prompt tokens are unknown to the model, or combined with a prompt",
                hint: $"use tokens from 0 to {Model.SourceVocabularySize - 1}, without a prompt");
        return CheckSource([.. ids], where: null);
    }

    private int[] CheckSource(int[] source, string? where)
    {
        if (source.Length == 0)
            throw new AtelierException("the source is empty", where, "give a source with at least one token");
        if (source.Length > Model.SourceLength)
            throw new AtelierException(
                $"the source has {source.Length} tokens, more than the {Model.SourceLength} that the model reads",
                where, "shorten it or divide it into sentences");
        return source;
    }

    /// <summary>Creates the samples of a request, source by source.</summary>
    private TextDraft[] Begin(GenerationRequest request, int[][] sources)
    {
        DecodingOptions options = request.Decoding ?? Defaults;
        request.Check(prompt: true, decoding: true, target: true, alternatives: true);
        TextPipeline.Check(request, options);
        if (options.Lookup > 0)
            throw new AtelierException("this kind of model does not support speculative decoding",
                hint: $"leave out {Mention.Field("lookup")}");
        int[] prefix = Tokenizer.Encode(request.Prefix ?? "");
        int[] start = [Tokens.StartId, .. Tokens.ForcedStartIds, .. prefix];
        if (start.Length > Model.ContextLength)
            throw new AtelierException($"the prefix has {prefix.Length} tokens, and a target at most "
                + $"{Model.ContextLength} with its start", hint: $"shorten {Mention.Field("prefix")}");
        // The last token is predicted and not read, so a target has one more token than the context.
        options = options with { MaxTokens = Math.Min(options.MaxTokens, Model.ContextLength - start.Length + 1) };
        return [.. sources.SelectMany((source, i) =>
            _pipeline.Begin(request, options, start, prefix.Length == 0, i, source.Length))];
    }

    private IAsyncEnumerable<TextPiece> Pieces(ISequenceToSequenceModel model, GenerationRequest request,
        int[][] sources, TextDraft[] drafts, CancellationToken cancellation)
    {
        var given = new ConditionedModel(model, [.. sources.Select(source => (ReadOnlyMemory<int>)source)]);
        return _pipeline.StreamAsync(
            given, drafts, request.Count, request.Alignments, cancellation, isAlone: !ReferenceEquals(model, Model));
    }

    private async IAsyncEnumerable<(int Index, TextSample Sample)> WriteAsync(ISequenceToSequenceModel model,
        GenerationRequest request, int[][] sources, TextDraft[] drafts,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        IAsyncEnumerable<TextPiece> pieces = Pieces(model, request, sources, drafts, cancellation);
        await foreach ((int index, TextSample sample, IReadOnlyList<ReadOnlyMemory<float>> rows) in TextPipeline
            .CollectAsync(pieces, drafts.Length, cancellation).ConfigureAwait(false))
        {
            yield return (index, !request.Alignments ? sample : sample with
            {
                Alignments = new([.. sources[index / request.Count].Select(SourceTokenizer.Name)],
                    [.. sample.Tokens.Select(token => Tokenizer.Name(token.Id))], rows),
            });
        }
    }
}
