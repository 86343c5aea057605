using System.Globalization;

namespace Atelier.Models.Hmm;

/// <summary>
/// Hidden states that are known at some time steps, and for every earlier state the probability of reaching them.
/// </summary>
internal sealed class KnownStates
{
    private readonly SortedDictionary<int, int> _known = [];
    private readonly double[][] _ahead;

    /// <summary>Parses state numbers and computes the probabilities of reaching them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="states">The number of the state by position; positions count from 0.</param>
    /// <param name="places">The number of positions.</param>
    /// <exception cref="AtelierException">A state or a position does not exist, or no path leads through all of the
    /// known states.</exception>
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
                if (At(t) is { } state && state != i)
                    continue;
                _ahead[t][i] = t == Last ? 1
                    : Enumerable.Range(0, model.StateCount)
                        .Sum(j => model.Chain.Transition(i, j) * _ahead[t + 1][j]);
            }
            double most = _ahead[t].Max();
            if (most <= 0)
                throw new AtelierException($"the known states from position {t} on have probability zero",
                    Mention.Field("states"), "the model has no such transitions");
            _ahead[t] = Array.ConvertAll(_ahead[t], value => value / most);
        }
    }

    /// <summary>The last position whose state is known; −1 if there is none.</summary>
    public int Last => _known.Count == 0 ? -1 : _known.Keys.Last();

    /// <summary>The known state at a position; null if it is not known.</summary>
    public int? At(int place) => _known.TryGetValue(place, out int state) ? state : null;

    /// <summary>
    /// Multiplies the weight of each state at a position by the probability, up to a common factor, of the known states
    /// from there on given that state.
    /// </summary>
    /// <param name="weights">[state]; may have padding at its end.</param>
    /// <param name="place">The position, from 0.</param>
    public void Weigh(Span<double> weights, int place)
    {
        if (place > Last)
            return;
        for (int i = 0; i < _ahead[place].Length; i++)
            weights[i] *= _ahead[place][i];
    }
}
