using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Generation.Constraints;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>A candidate sequence of beam search, as its last token and the sequence before it.</summary>
/// <param name="Previous">The sequence without its last token; null for a sequence without tokens.</param>
/// <param name="Choice">The last token.</param>
/// <param name="LogProbability">The log-probability of all tokens after the prompt, in nats.</param>
/// <param name="Total">The log-probability less the diversity penalties.</param>
/// <param name="State">The state of the constraint after the tokens; null without a constraint.</param>
internal sealed record Beam(
    Beam? Previous, TokenChoice Choice, double LogProbability, double Total, ConstraintState? State)
{
    private const double LeastCoverage = 1e-6; // the logarithm of a source token without any attention is finite

    /// <summary>Number of tokens after the prompt.</summary>
    public int Length { get; } = Previous is null ? 0 : Previous.Length + 1;

    /// <summary>The attention of the last token to the source, [source]; empty if it is not needed.</summary>
    public float[] Alignment { get; init; } = [];

    /// <summary>Returns the sequences of 1, 2, … tokens that lead to this one, which is the last.</summary>
    public Beam[] Path()
    {
        var path = new Beam[Length];
        for (Beam beam = this; beam.Previous is not null; beam = beam.Previous)
            path[beam.Length - 1] = beam;
        return path;
    }

    /// <summary>
    /// Returns the score that beams are ranked by: the total divided by length^lengthPenalty, plus the coverage penalty
    /// (Wu et al. 2016, eq. 14, with another length normalisation).
    /// </summary>
    public double Score(DecodingOptions options)
    {
        double score = Total / Math.Pow(Math.Max(1, Length), options.LengthPenalty);
        return options.CoveragePenalty == 0 ? score : score + options.CoveragePenalty * Coverage();
    }

    private double Coverage()
    {
        double[] attention = new double[Alignment.Length];
        foreach (Beam beam in Path())
        {
            for (int i = 0; i < attention.Length; i++)
                attention[i] += beam.Alignment[i];
        }
        return attention.Sum(sum => Math.Log(Math.Clamp(sum, LeastCoverage, 1)));
    }
}

/// <summary>
/// The beams of one text that are searched together: the most probable unfinished sequences of the current length, and
/// the finished sequences with the best scores.
/// </summary>
/// <param name="draft">The sample to search for, which has no generated tokens yet.</param>
/// <param name="width">Number of beams.</param>
internal sealed class BeamGroup(TextDraft draft, int width)
{
    private readonly DecodingOptions _options = draft.Options;
    // So many that enough are left when some end their sequence.
    private readonly TopCandidates _top = new(width * (1 + Math.Max(1, draft.EndIds.Length)));
    private readonly List<(Beam Beam, double Score)> _finished = []; // best first
    private int _steps;

    /// <summary>The unfinished beams, best first.</summary>
    public IReadOnlyList<Beam> Beams { get; private set; } = [new(null, default, 0, 0, draft.State)];

    /// <summary>The index of the previous beam that each beam continues.</summary>
    public IReadOnlyList<int> Parents { get; private set; } = [];

    /// <summary>The sequence of the state that belongs to the first beam; the others follow it.</summary>
    public int FirstRow { get; set; }

    /// <summary>Whether the search has ended because no better sequence can be found.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Returns all tokens of a beam: the prompt and the tokens after it.</summary>
    public List<int> History(Beam beam) => [.. draft.Ids, .. beam.Path().Select(step => step.Choice.Id)];

    /// <summary>Chooses the next beams.</summary>
    /// <param name="state">The state, which has read the last tokens of the beams.</param>
    /// <param name="penalties">The diversity penalties of tokens, which the group's own tokens are added to.</param>
    public void Advance(RollingState state, Dictionary<int, double> penalties)
    {
        _top.Clear();
        for (int row = 0; row < Beams.Count; row++)
        {
            Beam beam = Beams[row];
            ReadOnlySpan<ulong> allowed =
                draft.Allowed(beam.State, draft.NeedsHistory ? CollectionsMarshal.AsSpan(History(beam)) : []);
            _top.Add(row, beam.Total, state.Logits(FirstRow + row), allowed, penalties);
        }
        List<Beam> next = [];
        List<int> parents = [];
        for (int rank = 0; rank < _top.Best.Count; rank++)
        {
            (int row, TokenChoice choice, double total) = _top.Best[rank];
            Beam parent = Beams[row];
            ConstraintState? after = draft.After(parent.State, choice.Id);
            var beam = new Beam(parent, choice, parent.LogProbability + choice.LogProbability, total, after)
            {
                Alignment = state.Alignment(FirstRow + row, draft.SourceLength),
            };
            if (draft.Ends(choice.Id, after))
            {
                // A search that ends early counts only ends that are among the best beams, so that poor ones do not
                // end it, as fairseq and Hugging Face do.
                if (rank < width || !_options.EarlyStopping)
                    Finish(beam);
            }
            else if (next.Count < width)
            {
                next.Add(beam);
                parents.Add(row);
            }
        }
        foreach (Beam beam in next)
            penalties[beam.Choice.Id] = penalties.GetValueOrDefault(beam.Choice.Id) + _options.DiversityPenalty;
        (Beams, Parents) = (next, parents);
        IsOver = ++_steps == _options.MaxTokens || next.Count == 0 || IsSettled(next[0]);
    }

    /// <summary>Returns the best sequences found with their scores, best first.</summary>
    public IEnumerable<(Beam Beam, double Score)> Best()
    {
        IEnumerable<(Beam Beam, double Score)> found = _finished;
        if (_steps == _options.MaxTokens)
            found = found.Concat(Beams.Select(beam => (beam, beam.Score(_options))));
        return found.OrderByDescending(one => one.Score).Take(width);
    }

    /// <summary>Keeps a finished sequence if it is among the best; of equal ones, those found first.</summary>
    private void Finish(Beam beam)
    {
        double score = beam.Score(_options);
        int place = _finished.Count;
        while (place > 0 && _finished[place - 1].Score < score)
            place--;
        _finished.Insert(place, (beam, score));
        if (_finished.Count > width)
            _finished.RemoveAt(width);
    }

    /// <summary>
    /// Whether no unfinished beam can still replace a finished one. The log-probability of a beam never rises, its
    /// length is bounded and the coverage penalty is at most 0, which bounds its score.
    /// </summary>
    private bool IsSettled(Beam best) =>
        _finished.Count >= width
        && (_options.EarlyStopping
            || best.Total / Math.Pow(_options.MaxTokens, _options.LengthPenalty) <= _finished[^1].Score);
}
