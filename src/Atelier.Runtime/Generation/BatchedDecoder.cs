using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>A piece of a sample of one of several requests.</summary>
/// <param name="Request">The number returned by <see cref="BatchedDecoder.Add"/>.</param>
/// <param name="Piece">The piece.</param>
public readonly record struct BatchedPiece(int Request, TextPiece Piece)
{
    /// <summary>
    /// The error if the request cannot continue; it has then left the batch, and <see cref="Piece"/> is empty.
    /// Otherwise null.
    /// </summary>
    public AtelierException? Error { get; init; }
}

/// <summary>
/// Generates the samples of many requests in one batch. Requests join and leave between steps, and a step reads the
/// next token of every sample at once. Samples of one request share their prompt. With a draft model or prompt lookup a
/// step may generate several tokens of a sample (speculative decoding), each from the model's own distribution.
/// </summary>
/// <remarks>
/// Safe for concurrent use: requests may join and leave from any thread while another one takes the steps. The result
/// of a step is overwritten by the next one, so one thread at a time takes the steps and reads their results. A
/// request's samples do not depend on the others in the batch; but if its prompt is shared with another request, logits
/// may differ in their last bits. After warm-up a step allocates nothing on the managed heap, except the strings of
/// tokens that occur for the first time, and what the model allocates.
/// </remarks>
public sealed class BatchedDecoder : IDisposable
{
    /// <summary>
    /// The largest number of prompt tokens read in a step, so that a long prompt does not delay the other requests.
    /// </summary>
    public const int PromptBlock = 512;

    private readonly TextGenerator _generator;
    private readonly IBatchedLanguageModel _model;
    private readonly Lock _gate = new();
    private readonly bool _sharesPrompts;
    private readonly bool _sharesBlocks;
    private readonly DraftProposer? _proposer;
    private readonly List<BatchedSequence> _samples = [];
    // The samples that take part in the step, in the order of their inputs.
    private readonly List<BatchedSequence> _reading = [];
    private readonly List<SequenceInput> _inputs = [];
    private readonly List<BatchedPiece> _pieces = [];
    private float[] _logits = [];
    private int _requests;

    /// <summary>Creates an empty batch.</summary>
    /// <param name="generator">The model, its tokenizer and its draft. The decoder does not dispose it.</param>
    public BatchedDecoder(TextGenerator generator) : this(generator, sharesPrompts: true)
    {
    }

    /// <summary>Creates an empty batch.</summary>
    /// <param name="generator">The model, its tokenizer and its draft.</param>
    /// <param name="sharesPrompts">Whether requests share any part of a prompt that an existing request has read.
    /// Otherwise they share whole blocks alone, and samples are bit for bit those that each request would have
    /// alone.</param>
    internal BatchedDecoder(TextGenerator generator, bool sharesPrompts)
    {
        (_generator, _sharesPrompts) = (generator, sharesPrompts);
        _model = AsBatched(generator.Model);
        _sharesBlocks = !sharesPrompts && _model is not StateSequences; // those would read the tokens again
        if (generator.Draft is { } draft)
            _proposer = new DraftProposer(AsBatched(draft.Model), draft.Bounds.EndIds, sharesPrompts);
    }

    /// <summary>Number of samples that are being generated.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _samples.Count;
        }
    }

    /// <summary>Adds a request, whose samples join at the next step.</summary>
    /// <returns>The number of the request, which identifies its pieces.</returns>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    public int Add(GenerationRequest request)
    {
        DecodingOptions options = request.Decoding ?? _generator.Defaults;
        TextDraft[] drafts = _generator.Begin(request, options);
        return options.BeamWidth > 1
            ? throw new AtelierException("beam search cannot be batched", hint: "run it alone, or sample")
            : Join(drafts);
    }

    /// <summary>Adds the samples of one request, already created.</summary>
    internal int Join(TextDraft[] drafts)
    {
        DecodingOptions options = drafts[0].Options;
        int proposals = _proposer is not null || options.Lookup > 0 ? options.DraftTokens : 0;
        double cost = _model.FurtherTokenCost + (_proposer?.CostBeside(_model) ?? 0);
        var sampler = new TokenSampler(options, _model.VocabularySize);
        lock (_gate)
        {
            BatchedSequence? leader = null;
            foreach (TextDraft draft in drafts)
            {
                var sample = new BatchedSequence(_requests, draft, sampler, leader, proposals, cost);
                _samples.Add(sample);
                leader ??= sample;
            }
            leader!.IsAwaited = drafts.Length > 1;
            return _requests++;
        }
    }

    /// <summary>Removes the samples of a request before they end. Does nothing for a request that has ended.</summary>
    public void Remove(int request)
    {
        lock (_gate)
        {
            foreach (BatchedSequence sample in _samples.Where(s => s.Request == request))
                sample.Dispose();
            _samples.RemoveAll(s => s.Request == request);
        }
    }

    /// <summary>Reads the next tokens of all samples and generates a token for each.</summary>
    /// <returns>
    /// The generated pieces, overwritten by the next step. Empty while prompts are being read, and when there is no
    /// sample. A request that cannot continue has one piece with an <see cref="BatchedPiece.Error"/>; the others are
    /// not affected.
    /// </returns>
    public IReadOnlyList<BatchedPiece> Step() => Step(waits: null);

    /// <summary>Takes a step in which some requests may be skipped.</summary>
    /// <param name="waits">Returns whether to skip the request with a given number; null skips none.</param>
    internal IReadOnlyList<BatchedPiece> Step(Func<int, bool>? waits)
    {
        lock (_gate)
        {
            _pieces.Clear();
            foreach (BatchedSequence sample in _samples)
                sample.Waits = waits is not null && waits(sample.Request);
            Propose();
            int rows = Gather(), vocabulary = _model.VocabularySize;
            if (_logits.Length < rows * vocabulary)
                _logits = new float[rows * vocabulary];
            SequenceInput.Append(_model, CollectionsMarshal.AsSpan(_inputs), _logits.AsSpan(0, rows * vocabulary));
            for (int i = 0, row = 0; i < _reading.Count; i++)
            {
                BatchedSequence sample = _reading[i];
                int count = _inputs[i].AllLogits ? _inputs[i].Tokens.Length : 1;
                ReadOnlySpan<float> logits = _logits.AsSpan(row * vocabulary, count * vocabulary);
                row += count;
                sample.Window.Advance(_inputs[i].Tokens.Length, PromptBlock);
                if (sample.Window.Unread(sample.Draft.Ids) > 0)
                    continue; // the prompt has further blocks to read
                Write(sample, logits);
                if (sample.IsAwaited)
                    Follow(sample, logits);
            }
            RemoveFinished();
            return _pieces;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (BatchedSequence sample in _samples)
                sample.Dispose();
            _samples.Clear();
        }
    }

    /// <summary>Proposes tokens for the samples that have read all but their last token.</summary>
    private void Propose()
    {
        foreach (BatchedSequence sample in _samples)
        {
            sample.ProposedCount = 0;
            TextDraft draft = sample.Draft;
            if (sample.Waits || sample.Leader is not null || sample.IsAwaited || sample.Proposals.IsEmpty)
                continue;
            if (sample.Window.Prepare(_model, draft.Ids, _sharesPrompts) != 1)
                continue;
            int most = Math.Min(sample.Length.Next(),
                Math.Min(sample.Window.Room(_model, draft.Ids), draft.TokensLeft - 1));
            if (most < 1)
                continue;
            if (_proposer is not null)
                _proposer.Add(sample, most);
            else
                sample.ProposedCount = PromptLookup.Propose(CollectionsMarshal.AsSpan(draft.Ids), draft.Options.Lookup,
                    sample.Proposals[..most]);
        }
        _proposer?.Run();
    }

    /// <summary>Collects the tokens that each sample reads in this step.</summary>
    /// <returns>Number of rows of logits that the step returns.</returns>
    private int Gather()
    {
        _inputs.Clear();
        _reading.Clear();
        int rows = 0;
        foreach (BatchedSequence sample in _samples)
        {
            if (sample.Waits || sample.Leader is not null)
                continue;
            List<int> ids = sample.Draft.Ids;
            sample.Window.Prepare(_model, ids, _sharesPrompts);
            if (_sharesBlocks && SharedBlocks.TakeOver(sample, _samples, _reading))
                continue;
            bool speculates = sample.ProposedCount > 0;
            if (speculates && !sample.Window.Sequence!.CanTruncate)
            {
                Fail(sample, new AtelierException("the model cannot undo tokens that it has read",
                    hint: "leave out the draft and the lookup: speculative decoding needs a key-value cache"));
                continue;
            }
            ReadOnlyMemory<int> tokens = speculates ? sample.LastAndProposed() : sample.Window.Next(ids, PromptBlock);
            _inputs.Add(new SequenceInput(sample.Window.Sequence!, tokens, speculates));
            _reading.Add(sample);
            rows += speculates ? tokens.Length : 1;
        }
        return rows;
    }

    /// <summary>Continues the samples that waited for their leader to read the shared prompt.</summary>
    private void Follow(BatchedSequence leader, ReadOnlySpan<float> logits)
    {
        leader.IsAwaited = false;
        foreach (BatchedSequence sample in _samples)
        {
            if (sample.Leader != leader)
                continue;
            sample.Leader = null;
            sample.Window.Fork(leader.Window);
            Write(sample, logits);
        }
    }

    /// <summary>Generates tokens for a sample; removes its request if that fails.</summary>
    private void Write(BatchedSequence sample, ReadOnlySpan<float> logits)
    {
        if (sample.HasFailed)
            return;
        try
        {
            Choose(sample, logits);
        }
        catch (AtelierException e) // the model's vocabulary cannot satisfy the constraint
        {
            Fail(sample, e);
        }
    }

    /// <summary>Marks a request that cannot continue as failed and reports its error.</summary>
    private void Fail(BatchedSequence sample, AtelierException error)
    {
        foreach (BatchedSequence other in _samples)
            other.HasFailed |= other.Request == sample.Request;
        _pieces.RemoveAll(piece => piece.Request == sample.Request);
        _pieces.Add(new BatchedPiece(sample.Request, default) { Error = error });
    }

    /// <summary>Accepts proposals as long as the model agrees, then chooses one more token.</summary>
    private void Choose(BatchedSequence sample, ReadOnlySpan<float> logits)
    {
        TextDraft draft = sample.Draft;
        int vocabulary = _model.VocabularySize, accepted = 0, before = draft.Ids.Count, proposed = sample.ProposedCount;
        bool agrees = true;
        for (int place = 0; agrees && place <= proposed && draft.FinishReason is null; place++)
        {
            ReadOnlySpan<float> row = logits.Slice(place * vocabulary, vocabulary);
            TokenChoice choice;
            if (place == proposed)
                (choice, agrees) = (draft.Choose(sample.Sampler, row), false);
            else if (sample.ProposalOdds.Length == 0)
                // A proposal that was looked up, not drawn, has q = 1. To draw from p and accept the proposal if it is
                // the same token is then the rule of speculative sampling: acceptance with probability min(1, p / q),
                // and otherwise a token from max(0, p − q).
                choice = draft.Choose(sample.Sampler, row);
            else
                choice = draft.Choose(sample.Sampler, row, sample.Proposals[place],
                    sample.ProposalOdds.AsSpan(place * vocabulary, vocabulary));
            if (place < proposed)
                agrees = choice.Id == sample.Proposals[place];
            accepted += place < proposed && agrees ? 1 : 0;
            TextPiece piece = draft.Add(choice);
            if (piece.FinishReason is not null)
                piece = piece with { Speculation = sample.Speculation + new SpeculationCounts(proposed, accepted) };
            _pieces.Add(new BatchedPiece(sample.Request, piece));
        }
        sample.Speculation += new SpeculationCounts(proposed, accepted);
        sample.Length.Learn(proposed, accepted);
        sample.ProposedCount = 0;
        if (proposed == 0 || draft.FinishReason is not null)
            return;
        sample.Window.KeepBefore(before + accepted);
        sample.DraftWindow.KeepBefore(before + accepted);
    }

    private static IBatchedLanguageModel AsBatched(ILanguageModel model) =>
        model as IBatchedLanguageModel ?? new StateSequences(model);

    private void RemoveFinished()
    {
        int left = 0;
        for (int i = 0; i < _samples.Count; i++)
        {
            if (_samples[i].Draft.FinishReason is null && !_samples[i].HasFailed)
                _samples[left++] = _samples[i];
            else
                _samples[i].Dispose();
        }
        _samples.RemoveRange(left, _samples.Count - left);
    }
}
