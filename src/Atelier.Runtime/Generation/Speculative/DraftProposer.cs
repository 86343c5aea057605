using Atelier.Abstractions;
using Atelier.Generation.Constraints;

namespace Atelier.Generation.Speculative;

/// <summary>Proposes tokens with a smaller draft model, for all samples in one batch.</summary>
/// <param name="model">The draft model.</param>
/// <param name="endIds">The tokens after which nothing is proposed.</param>
/// <param name="shares">Whether to share a prefix of a prompt that another live sequence has already read.</param>
internal sealed class DraftProposer(IBatchedLanguageModel model, IReadOnlyList<int> endIds, bool shares)
{
    private const double DefaultCost = 0.1;
    private readonly List<(BatchedSequence Sample, int Wanted, ConstraintState? State)> _active = [];
    private readonly List<SequenceInput> _inputs = [];
    private float[] _logits = [];

    /// <summary>
    /// Returns the cost of a proposal as a fraction of a step of the other model, which is the ratio of the sizes of
    /// their weights; 0.1 if unknown.
    /// </summary>
    public double CostBeside(IBatchedLanguageModel other) =>
        model.StepBytes > 0 && other.StepBytes > 0 ? (double)model.StepBytes / other.StepBytes : DefaultCost;

    /// <summary>
    /// Adds a sample, for which the next <see cref="Run"/> proposes up to <paramref name="wanted"/> tokens.
    /// </summary>
    public void Add(BatchedSequence sample, int wanted) => _active.Add((sample, wanted, sample.Draft.State));

    /// <summary>Draws the proposals of all samples that were added.</summary>
    public void Run()
    {
        int vocabulary = model.VocabularySize;
        for (int place = 0; _active.Count > 0; place++)
        {
            _inputs.Clear();
            foreach ((BatchedSequence sample, int wanted, _) in _active)
            {
                List<int> ids = sample.Draft.Ids;
                SequenceWindow window = sample.DraftWindow;
                if (place == 0)
                {
                    window.Prepare(model, ids, shares);
                    if (sample.ProposalOdds.Length == 0)
                        sample.ProposalOdds = new float[sample.Proposals.Length * vocabulary];
                }
                ReadOnlyMemory<int> tokens = place == 0 ? window.Next(ids, int.MaxValue)
                    : sample.LastAndProposed()[place..];
                _inputs.Add(new SequenceInput(window.Sequence!, tokens));
            }
            if (_logits.Length < _inputs.Count * vocabulary)
                _logits = new float[_inputs.Count * vocabulary];
            ReadOnlySpan<SequenceInput> inputs = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_inputs);
            SequenceInput.Append(model, inputs, _logits.AsSpan(0, inputs.Length * vocabulary));
            int left = 0;
            for (int i = 0; i < _active.Count; i++)
            {
                (BatchedSequence sample, int wanted, ConstraintState? state) = _active[i];
                Span<float> distribution = sample.ProposalOdds.AsSpan(place * vocabulary, vocabulary);
                ReadOnlySpan<float> logits = _logits.AsSpan(i * vocabulary, vocabulary);
                if (!sample.Draft.TryPropose(sample.Sampler, logits, state, distribution, out int token))
                    // the draft model gives no probability to any allowed token: leave the choice to the model
                    continue;
                sample.Proposals[place] = token;
                sample.ProposedCount = place + 1;
                if (place + 1 < wanted && sample.DraftWindow.Room(model, sample.Draft.Ids) > place
                    && !endIds.Contains(token))
                    _active[left++] = (sample, wanted, sample.Draft.After(state, token));
            }
            _active.RemoveRange(left, _active.Count - left);
        }
    }
}
