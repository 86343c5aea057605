using System.Runtime.CompilerServices;
using Atelier.Decoding.Constraints;
using Atelier.Tokenizers;

namespace Atelier.Decoding;

/// <summary>A piece of a sample, given as soon as it is certain.</summary>
/// <param name="Sample">The number of the sample it belongs to, from 0.</param>
/// <param name="Text">New text; may be empty.</param>
/// <param name="Token">The token that was chosen; null for the piece that ends a sample.</param>
/// <param name="FinishReason">"end", "stop" or "length" with a sample's last piece; null before.</param>
public readonly record struct TextPiece(int Sample, string Text, TokenChoice? Token, string? FinishReason);

/// <summary>
/// Writes text with a language model: prompts, sampling or beam search, stop strings, many samples side by side. Samples
/// are independent of one another: sample i of a seed is the same however many are asked for.
/// </summary>
/// <param name="model">Says how likely each next token is. Disposed with the generator.</param>
/// <param name="tokenizer">Turns text into tokens and back.</param>
/// <param name="defaults">How tokens are chosen where a request does not say.</param>
/// <param name="startId">The token that every text begins after; not part of the text.</param>
public sealed class TextGenerator(ILanguageModel model, Tokenizer tokenizer, DecodingOptions defaults, int startId) : IGenerator
{
    private readonly ConstraintCache _constraints = new(tokenizer);

    /// <inheritdoc/>
    public Modality Modality => Modality.Text;

    /// <summary>The model.</summary>
    public ILanguageModel Model { get; } = model;

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; } = tokenizer;

    /// <summary>How tokens are chosen where a request does not say.</summary>
    public DecodingOptions Defaults { get; } = defaults;

    /// <summary>The token that every text begins after.</summary>
    public int StartId { get; } = startId;

    /// <inheritdoc/>
    async IAsyncEnumerable<Sample> IGenerator.GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (TextSample sample in GenerateAsync(request, cancellation).ConfigureAwait(false))
            yield return sample;
    }

    /// <summary>Draws samples, each given as soon as it is whole: in the order in which they end.</summary>
    /// <exception cref="AtelierException">The request cannot be met: the message says why.</exception>
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
                };
            }
        }
    }

    /// <summary>Draws samples side by side and gives each piece of text as soon as it is certain. Beams are given when the search is over.</summary>
    /// <exception cref="AtelierException">The request cannot be met: the message says why.</exception>
    public async IAsyncEnumerable<TextPiece> StreamAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        DecodingOptions options = request.Decoding ?? Defaults;
        int[] prompt = Check(request, options);
        TokenConstraint? constraint = _constraints.For(options);
        await Task.Yield(); // the caller gets its enumerator before the first product
        IEnumerable<TextPiece> pieces = options.BeamWidth > 1
            ? Search(request, options, prompt, constraint, cancellation)
            : Sample(request, options, prompt, constraint, cancellation);
        foreach (TextPiece piece in pieces)
            yield return piece;
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    private int[] Check(GenerationRequest request, DecodingOptions options)
    {
        request.Check(prompt: true);
        if (options.BeamWidth > 1 && request.Count > options.BeamWidth)
            throw new AtelierException($"{request.Count} samples were asked for of {options.BeamWidth} beams", hint: "ask for no more samples than beams");
        options.Check();
        return [StartId, .. Tokenizer.Encode(request.Prompt ?? "")];
    }

    private IEnumerable<TextPiece> Sample(
        GenerationRequest request, DecodingOptions options, int[] prompt, TokenConstraint? constraint, CancellationToken cancellation)
    {
        int vocabulary = Model.VocabularySize;
        var sampler = new TokenSampler(options, vocabulary);
        var active = new List<TextDraft>();
        for (int i = 0; i < request.Count; i++)
            active.Add(new TextDraft(i, prompt, Tokenizer, options, constraint, SplitMix64.At((ulong)request.Seed, (ulong)i), request.Prompt is null or ""));
        var states = new RollingState(Model, prompt, active.Count);
        try
        {
            while (true)
            {
                var going = new List<int>(active.Count);
                for (int row = 0; row < active.Count; row++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    TextDraft draft = active[row];
                    yield return draft.Add(draft.Choose(sampler, states.Logits.AsSpan(row * vocabulary, vocabulary)));
                    if (draft.FinishReason is null)
                        going.Add(row);
                }
                if (going.Count == 0)
                    yield break;
                if (going.Count < active.Count)
                {
                    states.Select([.. going]);
                    active = [.. going.Select(row => active[row])];
                }
                states.Append([.. active.Select(d => d.LastId)], i => active[i].Ids);
            }
        }
        finally
        {
            states.Dispose();
        }
    }

    private IEnumerable<TextPiece> Search(
        GenerationRequest request, DecodingOptions options, int[] prompt, TokenConstraint? constraint, CancellationToken cancellation)
    {
        int number = 0;
        bool fromStart = request.Prompt is null or "";
        foreach (Beam beam in BeamSearch.Run(Model, prompt, options, Tokenizer.EndOfTextId, constraint, constraint?.Start(fromStart), cancellation).Take(request.Count))
        {
            var draft = new TextDraft(number++, prompt, Tokenizer, options, constraint, 0, fromStart);
            foreach (TokenChoice choice in beam.Tokens)
            {
                yield return draft.Add(choice);
                if (draft.FinishReason is not null)
                    break;
            }
        }
    }
}
