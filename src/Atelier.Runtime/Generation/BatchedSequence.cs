using Atelier.Abstractions;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>
/// A sample in a <see cref="BatchedDecoder"/>, with the window of tokens that the model has read and the proposed
/// tokens.
/// </summary>
/// <param name="request">The number of its request.</param>
/// <param name="draft">The tokens and the text of the sample.</param>
/// <param name="sampler">Chooses the tokens.</param>
/// <param name="leader">The sample of the same request that reads the prompt for this one, or null.</param>
/// <param name="proposals">The largest number of tokens proposed at a time; 0 disables proposals.</param>
/// <param name="proposalCost">The cost that a proposal adds to a step, as a fraction of a step with one token.</param>
internal sealed class BatchedSequence(int request, TextDraft draft, TokenSampler sampler, BatchedSequence? leader,
    int proposals, double proposalCost) : IDisposable
{
    private readonly int[] _tokens = new int[1 + proposals];

    public int Request { get; } = request;

    public TextDraft Draft { get; } = draft;

    public TokenSampler Sampler { get; } = sampler;

    /// <summary>The sample that reads the prompt for this one; null once it continues on its own.</summary>
    public BatchedSequence? Leader { get; set; } = leader;

    /// <summary>Whether the sample is skipped in this step.</summary>
    public bool Waits { get; set; }

    /// <summary>Whether its request has failed and cannot continue.</summary>
    public bool HasFailed { get; set; }

    /// <summary>Whether other samples wait for the prompt that this one reads.</summary>
    public bool IsAwaited { get; set; }

    /// <summary>The part of the tokens that the model has read.</summary>
    public SequenceWindow Window { get; } = new();

    /// <summary>The part of the tokens that the draft model has read.</summary>
    public SequenceWindow DraftWindow { get; } = new();

    /// <summary>The proposed tokens; the first <see cref="ProposedCount"/> are filled.</summary>
    public Span<int> Proposals => _tokens.AsSpan(1);

    public int ProposedCount { get; set; }

    /// <summary>Chooses the number of tokens to propose.</summary>
    public ProposalLength Length { get; } = new(proposals, proposalCost);

    /// <summary>
    /// The draft model's distribution of each proposal, [proposals, vocabulary]; empty if proposals are looked up, not
    /// drawn.
    /// </summary>
    public float[] ProposalOdds { get; set; } = [];

    public SpeculationCounts Speculation { get; set; }

    /// <summary>Returns the last token and the proposals, which the model reads.</summary>
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
