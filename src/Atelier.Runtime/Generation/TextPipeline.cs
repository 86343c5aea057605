using System.Runtime.CompilerServices;
using System.Text;
using Atelier.Abstractions;
using Atelier.Generation.Constraints;
using Atelier.Generation.Speculative;
using Atelier.Tokenizers;

namespace Atelier.Generation;

/// <summary>
/// What the generators of text share: it turns requests into samples and writes them with a model, by sampling or by
/// beam search, one step of one request at a time. Safe for concurrent use.
/// </summary>
/// <param name="tokenizer">The tokenizer of the samples.</param>
/// <param name="endIds">The tokens that end a sample.</param>
/// <param name="runsInParallel">Whether steps of several requests can run at the same time.</param>
internal sealed class TextPipeline(Tokenizer tokenizer, IReadOnlyList<int> endIds, bool runsInParallel)
{
    private readonly ConstraintCache _constraints = new(tokenizer, endIds);
    private readonly TokenTexts _texts = new(tokenizer);

    /// <summary>Held during a step, never while a caller processes a piece.</summary>
    public SemaphoreSlim Turns { get; } = new(1, 1);

    /// <summary>Throws if the values of a request are out of their ranges.</summary>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    public static void Check(GenerationRequest request, DecodingOptions options)
    {
        if (options.BeamWidth > 1 && request.Count > options.BeamWidth)
            throw new AtelierException($"the count is {request.Count}, more than the {options.BeamWidth} beams",
                hint: "request at most as many samples as beams");
        if (options.BeamWidth > 1 && request.Alternatives > 0)
            throw new AtelierException("tokens of beam search carry no alternatives",
                hint: $"leave out {Mention.Field("alternatives")}, or sample");
        options.Check();
    }

    /// <summary>Creates the samples of a request, or those of one of its sources.</summary>
    /// <param name="request">The request.</param>
    /// <param name="options">Its decoding options.</param>
    /// <param name="prompt">The start token and the prompt.</param>
    /// <param name="isFresh">Whether the samples begin a new text rather than continuing a prompt.</param>
    /// <param name="source">The index of the source, in a request for several.</param>
    /// <param name="sourceLength">Number of tokens of the source; 0 without a source.</param>
    /// <exception cref="AtelierException">The constraint is invalid, or no text can satisfy it.</exception>
    public TextDraft[] Begin(GenerationRequest request, DecodingOptions options, int[] prompt, bool isFresh,
        int source = 0, int sourceLength = 0)
    {
        TokenConstraint? constraint = _constraints.For(options);
        int[] ends = [.. endIds, .. request.EndIds];
        return [.. Enumerable.Range(0, request.Count).Select(NewDraft)];

        TextDraft NewDraft(int index)
        {
            ulong seed = SplitMix64.At((ulong)request.Seed, (ulong)index);
            return new(source * request.Count + index, prompt, _texts, options, constraint, seed, isFresh)
            {
                EndIds = ends,
                AlternativeCount = request.Alternatives,
                SourceLength = sourceLength,
            };
        }
    }

    /// <summary>Writes samples, all in one state of the model.</summary>
    /// <param name="model">The model, given its sources if it has any.</param>
    /// <param name="drafts">The samples, source by source.</param>
    /// <param name="count">Number of samples of each source; of all samples if the model has no sources.</param>
    /// <param name="isAligned">Whether pieces carry the attention to the source.</param>
    /// <param name="cancellation">Cancels the request, also while it waits for its turn.</param>
    /// <param name="isAlone">Whether no other request uses the model, so that steps need no turn; they then stay on one
    /// thread.</param>
    public IAsyncEnumerable<TextPiece> StreamAsync(ILanguageModel model, TextDraft[] drafts, int count, bool isAligned,
        CancellationToken cancellation, bool isAlone = false) => drafts[0].Options.BeamWidth > 1
            ? SearchAsync(model, drafts, count, isAligned, isAlone, cancellation)
            : SampleInStepAsync(model, drafts, count, isAligned, isAlone, cancellation);

    /// <summary>Joins pieces to samples and returns each as soon as it is complete.</summary>
    /// <param name="pieces">The pieces.</param>
    /// <param name="count">Number of samples.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The index of each sample, the sample, and the attention of its tokens to the source.</returns>
    public static async IAsyncEnumerable<(int Index, TextSample Sample, IReadOnlyList<ReadOnlyMemory<float>> Rows)>
        CollectAsync(IAsyncEnumerable<TextPiece> pieces, int count,
            [EnumeratorCancellation] CancellationToken cancellation)
    {
        var texts = new StringBuilder[count];
        var tokens = new List<TokenChoice>[count];
        var rows = new List<ReadOnlyMemory<float>>[count];
        await foreach (TextPiece piece in pieces.WithCancellation(cancellation).ConfigureAwait(false))
        {
            StringBuilder text = texts[piece.Sample] ??= new();
            List<TokenChoice> choices = tokens[piece.Sample] ??= [];
            List<ReadOnlyMemory<float>> alignments = rows[piece.Sample] ??= [];
            text.Append(piece.Text);
            if (piece.Token is TokenChoice choice)
            {
                choices.Add(choice);
                alignments.Add(piece.Alignment);
            }
            if (piece.FinishReason is not null)
            {
                var sample = new TextSample(text.ToString())
                {
                    Tokens = choices,
                    LogProbability = choices.Sum(t => (double)t.LogProbability),
                    FinishReason = piece.FinishReason,
                    Speculation = piece.Speculation,
                };
                yield return (piece.Sample, sample, alignments);
            }
        }
    }

    /// <summary>Advances all samples by one token at a time, which every model supports.</summary>
    private async IAsyncEnumerable<TextPiece> SampleInStepAsync(
        ILanguageModel model, TextDraft[] drafts, int count, bool isAligned, bool isAlone,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var sampler = new TokenSampler(drafts[0].Options, model.VocabularySize);
        List<TextDraft> active = [.. drafts];
        Func<int, List<int>> history = i => active[i].Ids;
        var going = new List<int>(active.Count);
        int[] last = new int[active.Count];
        RollingState? states = null;
        try
        {
            await InTurnAsync(Begin, isAlone, cancellation).ConfigureAwait(false);
            while (true)
            {
                going.Clear();
                for (int row = 0; row < active.Count; row++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    TextDraft draft = active[row];
                    TextPiece piece = draft.Add(draft.Choose(sampler, states!.Logits(row)));
                    yield return isAligned
                        ? piece with { Alignment = states.Alignment(row, draft.SourceLength) } : piece;
                    if (draft.FinishReason is null)
                        going.Add(row);
                }
                if (going.Count == 0)
                    yield break;
                await InTurnAsync(Advance, isAlone, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            states?.Dispose();
        }

        void Begin()
        {
            states = new RollingState(model, [.. drafts[0].Ids], isAligned);
            if (count > 1)
                states.Select([.. Enumerable.Range(0, drafts.Length).Select(row => row / count)]);
        }

        void Advance()
        {
            if (going.Count < active.Count)
                active = [.. going.Select(row => active[row])];
            for (int row = 0; row < active.Count; row++)
                last[row] = active[row].LastId;
            states!.Append([.. going], last.AsSpan(0, active.Count), history);
        }
    }

    private async IAsyncEnumerable<TextPiece> SearchAsync(
        ILanguageModel model, TextDraft[] drafts, int count, bool isAligned, bool isAlone,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        TextDraft[] searched = [.. drafts.Where((_, i) => i % count == 0)];
        using var search = new BeamSearch(
            model, searched, isAligned || drafts[0].Options.CoveragePenalty > 0, usesThreads: !isAlone);
        do
        {
            cancellation.ThrowIfCancellationRequested();
            await InTurnAsync(search.Advance, isAlone, cancellation).ConfigureAwait(false);
        }
        while (!search.IsOver);
        for (int i = 0; i < drafts.Length; i++)
        {
            TextDraft draft = drafts[i];
            if (search.Best(i / count).ElementAtOrDefault(i % count) is not { } found)
                continue;
            foreach (Beam beam in found.Path())
            {
                TextPiece piece = draft.Add(beam.Choice);
                yield return isAligned ? piece with { Alignment = beam.Alignment } : piece;
                if (draft.FinishReason is not null)
                    break;
            }
        }
    }

    /// <summary>
    /// Runs a step while no other request uses the model, unless the model supports concurrent steps.
    /// </summary>
    private async ValueTask InTurnAsync(Action step, bool isAlone, CancellationToken cancellation)
    {
        if (runsInParallel || isAlone)
        {
            step();
            return;
        }
        await Turns.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            step();
        }
        finally
        {
            Turns.Release();
        }
    }
}
