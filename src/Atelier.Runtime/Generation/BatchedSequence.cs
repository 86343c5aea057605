using Atelier.Abstractions;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>
/// A sample in a <see cref="BatchedDecoder"/>: the window of its tokens that the model has read, and what is proposed
/// next.
/// </summary>
/// <param name="request">The request it belongs to.</param>
/// <param name="draft">Its tokens and text.</param>
/// <param name="sampler">Chooses its tokens.</param>
/// <param name="leader">The sample that reads the prompt for it, or null.</param>
/// <param name="proposals">The most tokens proposed at a time; 0 where none are.</param>
/// <param name="proposalCost">What a proposal adds to a step, in steps of one token.</param>
internal sealed class BatchedSequence(int request, TextDraft draft, TokenSampler sampler, BatchedSequence? leader,
    int proposals, double proposalCost) : IDisposable
{
    private readonly int[] _tokens = new int[1 + proposals];

    public int Request { get; } = request;

    public TextDraft Draft { get; } = draft;

    public TokenSampler Sampler { get; } = sampler;

    /// <summary>The sample that reads the prompt for this one; null once it continues on its own.</summary>
    public BatchedSequence? Leader { get; set; } = leader;

    /// <summary>Whether it takes no part in the step.</summary>
    public bool Waits { get; set; }

    /// <summary>Whether its request cannot go on.</summary>
    public bool HasFailed { get; set; }

    /// <summary>Whether others wait for the prompt that this one reads.</summary>
    public bool IsAwaited { get; set; }

    /// <summary>What the model has read of it.</summary>
    public SequenceWindow Window { get; } = new();

    /// <summary>What the draft model has read of it.</summary>
    public SequenceWindow DraftWindow { get; } = new();

    /// <summary>The tokens proposed, filled up to <see cref="ProposedCount"/>.</summary>
    public Span<int> Proposals => _tokens.AsSpan(1);

    public int ProposedCount { get; set; }

    /// <summary>How many tokens to propose.</summary>
    public ProposalLength Length { get; } = new(proposals, proposalCost);

    /// <summary>
    /// The draft's distribution at each proposal, [proposals, vocabulary]; empty where proposals are not drawn.
    /// </summary>
    public float[] ProposalOdds { get; set; } = [];

    public SpeculationCounts Speculation { get; set; }

    /// <summary>The last token and the proposals, for the model to read.</summary>
    public ReadOnlyMemory<int> LastAndProposed()
    {
        _tokens[0] = Draft.LastId;
        return _tokens.AsMemory(0, 1 + ProposedCount);
    }

    public void Dispose()
    {
        Window.Dispose();
        DraftWindow.Dispose();
    }
}
