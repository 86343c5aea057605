using System.Runtime.InteropServices;

namespace Atelier.Decoding;

/// <summary>A piece of a sample that one of several requests asked for.</summary>
/// <param name="Request">The number that <see cref="BatchedDecoder.Add"/> gave.</param>
/// <param name="Piece">The piece.</param>
public readonly record struct BatchedPiece(int Request, TextPiece Piece);

/// <summary>
/// Writes the samples of many requests in one batch: requests join and leave between steps, and a step reads the next token
/// of every sample at once. Samples of one request share their prompt. With a draft model or prompt look-up a step may write
/// several tokens of a sample (speculative decoding), each drawn from the model's own distribution.
/// </summary>
/// <remarks>
/// For one thread at a time. After warm-up a step allocates nothing on the managed heap, but the strings of tokens that come
/// for the first time, and what the model itself allocates.
/// </remarks>
/// <param name="generator">The model, its tokenizer and its draft. Not disposed with the decoder.</param>
public sealed class BatchedDecoder(TextGenerator generator) : IDisposable
{
    /// <summary>The most tokens of a prompt that are read in a step, so that a long one does not hold up the others.</summary>
    public const int PromptBlock = 512;

    private readonly IBatchedLanguageModel _model = generator.Model as IBatchedLanguageModel ?? new StateSequences(generator.Model);
    private readonly DraftProposer? _proposer = generator.Draft is { } draft
        ? new DraftProposer(draft.Model as IBatchedLanguageModel ?? new StateSequences(draft.Model),
            draft.Bounds.EndIds)
        : null;

    private readonly List<BatchedSequence> _samples = [];
    private readonly List<BatchedSequence> _reading = []; // those that take part in the step, in the order of their inputs
    private readonly List<SequenceInput> _inputs = [];
    private readonly List<BatchedPiece> _pieces = [];
    private float[] _logits = [];
    private int _requests;

    /// <summary>The samples under way.</summary>
    public int Count => _samples.Count;

    /// <summary>Lets a request's samples join from the next step on.</summary>
    /// <returns>The number of the request, which its pieces carry.</returns>
    /// <exception cref="AtelierException">The request cannot be met: the message says why.</exception>
    public int Add(GenerationRequest request)
    {
        DecodingOptions options = request.Decoding ?? generator.Defaults;
        TextDraft[] drafts = generator.Begin(request, options);
        if (options.BeamWidth > 1)
            throw new AtelierException("beam search does not join a batch", hint: "ask for it by itself, or sample");
        int proposals = _proposer is not null || options.Lookup > 0 ? options.DraftTokens : 0;
        double cost = _model.FurtherTokenCost + (_proposer?.CostBeside(_model) ?? 0);
        var sampler = new TokenSampler(options, _model.VocabularySize);
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

    /// <summary>Lets a request's samples leave before they end. A request that has ended is none of its business.</summary>
    public void Remove(int request)
    {
        foreach (BatchedSequence sample in _samples.Where(s => s.Request == request))
            sample.Dispose();
        _samples.RemoveAll(s => s.Request == request);
    }

    /// <summary>Reads the next tokens of all samples and writes what comes after.</summary>
    /// <returns>What was written; overwritten by the next step. Empty while prompts are being read, and when no sample is under way.</returns>
    /// <exception cref="AtelierException">A constraint and the model's vocabulary do not go together.</exception>
    public IReadOnlyList<BatchedPiece> Step()
    {
        _pieces.Clear();
        if (_samples.Count == 0)
            return _pieces;
        Propose();
        int rows = Gather(), vocabulary = _model.VocabularySize;
        if (_logits.Length < rows * vocabulary)
            _logits = new float[rows * vocabulary];
        _model.Append(CollectionsMarshal.AsSpan(_inputs), _logits.AsSpan(0, rows * vocabulary));
        int row = 0;
        for (int i = 0; i < _reading.Count; i++)
        {
            BatchedSequence sample = _reading[i];
            int count = _inputs[i].AllLogits ? _inputs[i].Tokens.Length : 1;
            ReadOnlySpan<float> logits = _logits.AsSpan(row * vocabulary, count * vocabulary);
            row += count;
            if (sample.Window.Unread(sample.Draft.Ids) > 0)
                continue; // a prompt of several blocks
            Write(sample, logits);
            if (sample.IsAwaited)
                Follow(sample, logits);
        }
        Leave();
        return _pieces;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (BatchedSequence sample in _samples)
            sample.Dispose();
        _samples.Clear();
    }

    /// <summary>Looks ahead for the samples that have read all but their last token.</summary>
    private void Propose()
    {
        foreach (BatchedSequence sample in _samples)
        {
            sample.ProposedCount = 0;
            TextDraft draft = sample.Draft;
            if (sample.Leader is not null || sample.IsAwaited || sample.Proposals.IsEmpty || sample.Window.Prepare(_model, draft.Ids) != 1)
                continue;
            int most = Math.Min(sample.Length.Next(), Math.Min(sample.Window.Room(_model, draft.Ids), draft.TokensLeft - 1));
            if (most < 1)
                continue;
            if (_proposer is not null)
                _proposer.Add(sample, most);
            else
                sample.ProposedCount = PromptLookup.Propose(CollectionsMarshal.AsSpan(draft.Ids), draft.Options.Lookup, sample.Proposals[..most]);
        }
        _proposer?.Run();
    }

    /// <summary>What every sample reads in this step.</summary>
    /// <returns>The rows of logits that come of it.</returns>
    private int Gather()
    {
        _inputs.Clear();
        _reading.Clear();
        int rows = 0;
        foreach (BatchedSequence sample in _samples)
        {
            if (sample.Leader is not null)
                continue;
            List<int> ids = sample.Draft.Ids;
            sample.Window.Prepare(_model, ids);
            bool speculates = sample.ProposedCount > 0;
            if (speculates && !sample.Window.Sequence!.CanTruncate)
            {
                throw new AtelierException("the model cannot take back tokens that it has read", hint: "leave out the draft and the look-up: speculative decoding needs a key-value cache");
            }
            ReadOnlyMemory<int> tokens = speculates ? sample.LastAndProposed() : sample.Window.Next(ids, PromptBlock);
            _inputs.Add(new SequenceInput(sample.Window.Sequence!, tokens, speculates));
            _reading.Add(sample);
            rows += speculates ? tokens.Length : 1;
        }
        return rows;
    }

    /// <summary>The samples that waited for a prompt go on from it.</summary>
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

    /// <summary>Takes proposals as long as the model agrees, and one token of the model's own.</summary>
    private void Write(BatchedSequence sample, ReadOnlySpan<float> logits)
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
                // A proposal that is not drawn has all the odds q: taking it where the model's own draw is the same is
                // min(1, p / q), and another draw is one from max(0, p − q).
                choice = draft.Choose(sample.Sampler, row);
            else
                choice = draft.Choose(sample.Sampler, row, sample.Proposals[place], sample.ProposalOdds.AsSpan(place * vocabulary, vocabulary));
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

    private void Leave()
    {
        int left = 0;
        for (int i = 0; i < _samples.Count; i++)
        {
            if (_samples[i].Draft.FinishReason is null)
                _samples[left++] = _samples[i];
            else
                _samples[i].Dispose();
        }
        _samples.RemoveRange(left, _samples.Count - left);
    }
}
