using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Generation.Speculative;

namespace Atelier.Generation;

/// <summary>
/// Beam search (Lowerre 1976; with length normalisation as in Wu et al. 2016) for one text, or for the targets of
/// several sources at once; in groups, diverse beam search (Vijayakumar et al. 2018). Texts that are finished leave the
/// batch, and the result for a text does not depend on the others.
/// </summary>
/// <param name="model">The language model.</param>
/// <param name="drafts">The sample to search for of each source, or one sample if the model has no sources. They have
/// the same options and prompt, and no generated tokens yet.</param>
/// <param name="isAligned">Whether beams carry their attention to the source.</param>
/// <param name="usesThreads">Whether the beams of several texts are chosen on several threads.</param>
internal sealed class BeamSearch(
    ILanguageModel model, IReadOnlyList<TextDraft> drafts, bool isAligned, bool usesThreads) : IDisposable
{
    private readonly BeamGroup[][] _texts = [.. drafts.Select((draft, text) => Groups(draft, text))];
    private RollingState? _state;

    /// <summary>Whether the search has ended for all texts.</summary>
    public bool IsOver => _texts.All(groups => groups.All(group => group.IsOver));

    /// <summary>Reads the last token of every beam and chooses the next beams.</summary>
    public void Advance()
    {
        if (_state is null)
            _state = new RollingState(model, [.. drafts[0].Ids], isAligned);
        else
            ReadTokens(_state);
        RollingState state = _state;
        // The states of a constraint are shared, and may be found only one after another.
        if (usesThreads && _texts.Length > 1 && drafts[0].State is null)
        {
            Parallel.For(0, _texts.Length, Choose);
        }
        else
        {
            for (int text = 0; text < _texts.Length; text++)
                Choose(text);
        }

        void Choose(int text)
        {
            Dictionary<int, double> penalties = [];
            foreach (BeamGroup group in _texts[text])
            {
                if (!group.IsOver)
                    group.Advance(state, penalties);
            }
        }
    }

    /// <summary>Returns the best sequences found for a text, best first.</summary>
    /// <exception cref="AtelierException">The model gives no probability to any allowed text.</exception>
    public IReadOnlyList<Beam> Best(int text)
    {
        Beam[] best = [.. _texts[text].SelectMany(group => group.Best()).OrderByDescending(found => found.Score)
            .Select(found => found.Beam)];
        return best.Length > 0 ? best : throw Logits.NothingLeft();
    }

    /// <inheritdoc/>
    public void Dispose() => _state?.Dispose();

    private static BeamGroup[] Groups(TextDraft draft, int text)
    {
        // At first, all groups of a text continue the one sequence that has read its prompt.
        DecodingOptions options = draft.Options;
        return [.. Enumerable.Range(0, options.BeamGroups)
            .Select(_ => new BeamGroup(draft, options.BeamWidth / options.BeamGroups) { FirstRow = text })];
    }

    private void ReadTokens(RollingState state)
    {
        List<(BeamGroup Group, Beam Beam)> rows = [];
        List<int> parents = [], tokens = [];
        foreach (BeamGroup group in _texts.SelectMany(groups => groups).Where(group => !group.IsOver))
        {
            int first = rows.Count;
            for (int i = 0; i < group.Beams.Count; i++)
            {
                rows.Add((group, group.Beams[i]));
                parents.Add(group.FirstRow + group.Parents[i]);
                tokens.Add(group.Beams[i].Choice.Id);
            }
            group.FirstRow = first;
        }
        state.Append(CollectionsMarshal.AsSpan(parents), CollectionsMarshal.AsSpan(tokens),
            row => rows[row].Group.History(rows[row].Beam));
    }
}
