using System.Globalization;

namespace Atelier.Models.Hmm;

/// <summary>Hidden states that are known at some times, and the likelihood of earlier states given them.</summary>
internal sealed class KnownStates
{
    private readonly SortedDictionary<int, int> _known = [];
    private readonly double[][] _ahead;

    /// <summary>Reads states by their numbers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="states">States by place, from 0.</param>
    /// <param name="places">Number of positions.</param>
    /// <exception cref="AtelierException">A state or a time does not exist, or no path leads through all of
    /// them.</exception>
    public KnownStates(HmmModel model, IReadOnlyDictionary<int, string> states, int places)
    {
        foreach ((int place, string name) in states)
        {
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int state)
                || state >= model.StateCount || place < 0 || place >= places)
                throw new AtelierException($"{place}={name} is not a state at a position", Mention.Field("states"),
                    $"states are 0 to {model.StateCount - 1}, positions 0 to {places - 1}");
            _known[place] = state;
        }
        _ahead = new double[Last + 1][];
        for (int t = Last; t >= 0; t--)
        {
            _ahead[t] = new double[model.StateCount];
            for (int i = 0; i < model.StateCount; i++)
            {
                if (At(t) is not { } state || state == i)
                    _ahead[t][i] = t == Last ? 1
                        : Enumerable.Range(0, model.StateCount)
                        .Sum(j => model.Chain.Transition(i, j) * _ahead[t + 1][j]);
            }
            double most = _ahead[t].Max();
            if (most <= 0)
                throw new AtelierException($"the known states from position {t} on have probability zero",
                    Mention.Field("states"),
                    "the model has no such transitions");
            _ahead[t] = Array.ConvertAll(_ahead[t], value => value / most);
        }
    }

    /// <summary>The last place whose state is known; −1 where none is.</summary>
    public int Last => _known.Count == 0 ? -1 : _known.Keys.Last();

    /// <summary>The state of a place, where it is known.</summary>
    public int? At(int place) => _known.TryGetValue(place, out int state) ? state : null;

    /// <summary>
    /// Multiplies each state's weight at a place by the probability of the known states from there on, given the state
    /// there.
    /// </summary>
    /// <param name="weights">[state], or with padding.</param>
    /// <param name="place">The place.</param>
    public void Weigh(Span<double> weights, int place)
    {
        if (place > Last)
            return;
        for (int i = 0; i < _ahead[place].Length; i++)
            weights[i] *= _ahead[place][i];
    }
}
