using Atelier.Abstractions;
using Atelier.Generation.Constraints;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>A candidate sequence of beam search.</summary>
/// <param name="Tokens">The tokens after the prompt.</param>
/// <param name="LogProbability">The log-probability of the tokens together, in nats.</param>
/// <param name="State">The state of the constraint after the tokens; null without a constraint.</param>
internal sealed record Beam(IReadOnlyList<TokenChoice> Tokens, double LogProbability, ConstraintState? State)
{
    /// <summary>
    /// Returns the score that beams are ranked by: the log-probability divided by length^lengthPenalty.
    /// </summary>
    public double Score(double lengthPenalty) => LogProbability / Math.Pow(Math.Max(1, Tokens.Count), lengthPenalty);
}

/// <summary>
/// Beam search (Lowerre 1976; with length normalisation as in Wu et al. 2016): keeps the most probable unfinished
/// sequences of each length and the finished sequences with the best scores.
/// </summary>
/// <param name="model">The language model.</param>
/// <param name="draft">The sample to search for, which has no generated tokens yet.</param>
/// <param name="options">The beam width, the maximum length and the length penalty.</param>
internal sealed class BeamSearch(ILanguageModel model, TextDraft draft, DecodingOptions options) : IDisposable
{
    private readonly int[] _prompt = [.. draft.Ids];
    private readonly int _width = options.BeamWidth;
    private List<Beam> _finished = [];
    private List<Beam> _beams = [new([], 0, draft.State)];
    private int[] _parents = []; // the previous beam that each beam continues
    private RollingState? _state;
    private int _steps;

    /// <summary>Whether the search has ended because no better sequence can be found.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Reads the last token of every beam and chooses the next beams.</summary>
    public void Advance()
    {
        if (_state is null)
        {
            _state = new RollingState(model, _prompt, 1);
        }
        else
        {
            _state.Select(_parents);
            int[] last = [.. _beams.Select(b => b.Tokens[^1].Id)];
            _state.Append(last, i => [.. _prompt, .. _beams[i].Tokens.Select(t => t.Id)]);
        }
        var next = new List<(int Parent, Beam Beam)>(_width);
        var topTokens = TopTokens(_state.Logits).OrderByDescending(i => i.Priority);
        foreach (((int parent, TokenChoice choice), double total) in topTokens)
        {
            if (double.IsNegativeInfinity(total))
                continue;
            ConstraintState? after = draft.After(_beams[parent].State, choice.Id);
            var beam = new Beam([.. _beams[parent].Tokens, choice], total, after);
            if (draft.Ends(choice.Id, after))
                _finished.Add(beam);
            else if (next.Count < _width)
                next.Add((parent, beam));
        }
        _finished = [.. _finished.OrderByDescending(b => b.Score(options.LengthPenalty)).Take(_width)];
        (_beams, _parents) = ([.. next.Select(n => n.Beam)], [.. next.Select(n => n.Parent)]);
        IsOver = ++_steps == options.MaxTokens || _beams.Count == 0 || IsSettled(_beams[0]);
    }

    /// <summary>Returns the best sequences found, best first.</summary>
    public IReadOnlyList<Beam> Best() =>
        [.. _finished.Concat(_beams).OrderByDescending(b => b.Score(options.LengthPenalty)).Take(_width)];

    /// <inheritdoc/>
    public void Dispose() => _state?.Dispose();

    /// <summary>
    /// Returns the most probable next tokens of all beams: twice the beam width, so that enough are left when some end
    /// their sequence.
    /// </summary>
    private IEnumerable<((int Parent, TokenChoice Choice) Element, double Priority)> TopTokens(float[] all)
    {
        int vocabulary = model.VocabularySize;
        var best = new PriorityQueue<(int Parent, TokenChoice Choice), double>();
        for (int row = 0; row < _beams.Count; row++)
        {
            ReadOnlySpan<float> logits = all.AsSpan(row * vocabulary, vocabulary);
            float normalizer = Logits.LogSumExp(logits);
            ReadOnlySpan<ulong> allowed = draft.Allowed(_beams[row].State);
            for (int id = 0; id < vocabulary; id++)
            {
                if (!allowed.IsEmpty && !Logits.IsAllowed(allowed, id))
                    continue;
                float logProbability = logits[id] - normalizer;
                double total = _beams[row].LogProbability + logProbability;
                if (best.Count < 2 * _width)
                    best.Enqueue((row, new TokenChoice(id, logProbability)), total);
                else if (best.TryPeek(out _, out double worst) && total > worst)
                    best.EnqueueDequeue((row, new TokenChoice(id, logProbability)), total);
            }
        }
        return best.UnorderedItems;
    }

    /// <summary>
    /// Whether no unfinished beam can still replace a finished one. The log-probability of a beam never rises and its
    /// length is bounded, which bounds its score.
    /// </summary>
    private bool IsSettled(Beam best) =>
        _finished.Count >= _width &&
        best.LogProbability / Math.Pow(options.MaxTokens, options.LengthPenalty)
            <= _finished[^1].Score(options.LengthPenalty);
}
