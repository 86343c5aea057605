using Atelier.Abstractions;
using Atelier.Generation.Constraints;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>A sequence that beam search found.</summary>
/// <param name="Tokens">Its tokens after the prompt.</param>
/// <param name="LogProbability">Their log-probability together, in nats.</param>
/// <param name="State">Where a constraint stands after them, or null.</param>
internal sealed record Beam(IReadOnlyList<TokenChoice> Tokens, double LogProbability, ConstraintState? State)
{
    /// <summary>What beams are ranked by: log-probability over length to a power.</summary>
    public double Score(double lengthPenalty) => LogProbability / Math.Pow(Math.Max(1, Tokens.Count), lengthPenalty);
}

/// <summary>
/// Beam search (Lowerre 1976; with length normalisation as in Wu et al. 2016): keeps the likeliest unfinished sequences
/// at every length, and the best finished ones.
/// </summary>
/// <param name="model">Says how likely each next token is.</param>
/// <param name="draft">The sample that is searched for, without tokens of its own.</param>
/// <param name="options">The width, the length and its penalty.</param>
internal sealed class BeamSearch(ILanguageModel model, TextDraft draft, DecodingOptions options) : IDisposable
{
    private readonly int[] _prompt = [.. draft.Ids];
    private readonly int _width = options.BeamWidth;
    private List<Beam> _finished = [];
    private List<Beam> _beams = [new([], 0, draft.State)];
    private int[] _parents = []; // the beam that each goes on from
    private RollingState? _state;
    private int _steps;

    /// <summary>Whether nothing better can be found.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Lets every beam read its last token, and chooses the next ones.</summary>
    public void Advance()
    {
        if (_state is null)
        {
            _state = new RollingState(model, _prompt, 1);
        }
        else
        {
            _state.Select(_parents);
            _state.Append(
                [.. _beams.Select(b => b.Tokens[^1].Id)], i => [.. _prompt, .. _beams[i].Tokens.Select(t => t.Id)]);
        }
        var next = new List<(int Parent, Beam Beam)>(_width);
        var likeliest = Likeliest(_state.Logits).OrderByDescending(i => i.Priority);
        foreach (((int parent, TokenChoice choice), double total) in likeliest)
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

    /// <summary>The sequences that were found, best first.</summary>
    public IReadOnlyList<Beam> Best() =>
        [.. _finished.Concat(_beams).OrderByDescending(b => b.Score(options.LengthPenalty)).Take(_width)];

    /// <inheritdoc/>
    public void Dispose() => _state?.Dispose();

    /// <summary>
    /// The likeliest next tokens of all beams: twice the width, so that enough are left where some end.
    /// </summary>
    private IEnumerable<((int Parent, TokenChoice Choice) Element, double Priority)> Likeliest(float[] all)
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
    /// Whether no unfinished beam can still get among the finished: its log-probability only falls, its length is
    /// bounded.
    /// </summary>
    private bool IsSettled(Beam best) =>
        _finished.Count >= _width &&
        best.LogProbability / Math.Pow(options.MaxTokens, options.LengthPenalty)
            <= _finished[^1].Score(options.LengthPenalty);
}
