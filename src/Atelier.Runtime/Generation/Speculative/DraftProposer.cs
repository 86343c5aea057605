using Atelier.Abstractions;
using Atelier.Generation.Constraints;

namespace Atelier.Generation.Speculative;

/// <summary>Lets a smaller model write a few tokens ahead of samples, all of them side by side.</summary>
/// <param name="model">The smaller model.</param>
/// <param name="endIds">The tokens after which nothing is proposed.</param>
/// <param name="shares">Whether what living sequences have read of a prompt is shared.</param>
internal sealed class DraftProposer(IBatchedLanguageModel model, IReadOnlyList<int> endIds, bool shares)
{
    private const double UsualCost = 0.1;
    private readonly List<(BatchedSequence Sample, int Wanted, ConstraintState? State)> _going = [];
    private readonly List<SequenceInput> _inputs = [];
    private float[] _logits = [];

    /// <summary>
    /// The cost of a proposal relative to a step of the other model, by the weights that each reads; a tenth if
    /// unknown.
    /// </summary>
    public double CostBeside(IBatchedLanguageModel other) =>
        model.StepBytes > 0 && other.StepBytes > 0 ? (double)model.StepBytes / other.StepBytes : UsualCost;

    /// <summary>Proposes tokens for a sample in the coming <see cref="Run"/>.</summary>
    public void Add(BatchedSequence sample, int wanted) => _going.Add((sample, wanted, sample.Draft.State));

    /// <summary>Draws the proposals of all samples that were added.</summary>
    public void Run()
    {
        int vocabulary = model.VocabularySize;
        for (int place = 0; _going.Count > 0; place++)
        {
            _inputs.Clear();
            foreach ((BatchedSequence sample, int wanted, _) in _going)
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
            for (int i = 0; i < _going.Count; i++)
            {
                (BatchedSequence sample, int wanted, ConstraintState? state) = _going[i];
                Span<float> odds = sample.ProposalOdds.AsSpan(place * vocabulary, vocabulary);
                ReadOnlySpan<float> logits = _logits.AsSpan(i * vocabulary, vocabulary);
                if (!sample.Draft.TryPropose(sample.Sampler, logits, state, odds, out int token))
                    continue; // the draft holds nothing possible that the constraint allows: the model decides
                sample.Proposals[place] = token;
                sample.ProposedCount = place + 1;
                if (place + 1 < wanted && sample.DraftWindow.Room(model, sample.Draft.Ids) > place
                    && !endIds.Contains(token))
                    _going[left++] = (sample, wanted, sample.Draft.After(state, token));
            }
            _going.RemoveRange(left, _going.Count - left);
        }
    }
}
