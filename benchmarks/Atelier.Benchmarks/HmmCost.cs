using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Benchmarks;

/// <summary>
/// How the cost of hidden Markov models grows with states and with length, on the characters of Tiny Shakespeare, as
/// pictures on logarithmic axes.
/// </summary>
internal static class HmmCost
{
    private const int LengthOfStates = 50_000;
    private const int MostOfMany = 1_000_000; // symbols that the models of many states are measured on

    private static readonly int[] StateCounts = [2, 4, 8, 16, 32, 64, 128, 256];
    private static readonly int[] Lengths = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

    /// <summary>Measures, prints a line a point, and draws docs/images/hmm-states.png and hmm-length.png.</summary>
    public static void Draw(string folder)
    {
        var byStates = new Curves($"states ({LengthOfStates:N0} symbols)");
        foreach (int states in StateCounts)
            Measure(byStates, states, LengthOfStates, states, "");
        byStates.Save(Path.Combine(folder, "hmm-states.png"));

        var byLength = new Curves("symbols");
        foreach (int length in Lengths)
        {
            Measure(byLength, 8, length, length, ", 8 states");
            if (length <= MostOfMany)
                Measure(byLength, 64, length, length, ", 64 states");
        }
        byLength.Save(Path.Combine(folder, "hmm-length.png"));
    }

    private static void Measure(Curves curves, int states, int length, int at, string which)
    {
        (HmmModel model, HmmSequence text) = HmmComparisons.Begin(states, length);
        var config = new HmmConfig();
        curves.Measure($"an iteration of Baum-Welch{which}", at, () => model.Step([text], config));
        curves.Measure($"log-likelihood{which}", at, () => model.LogLikelihoods([text]));
        curves.Measure($"Viterbi{which}", at, () => Viterbi.Run(model, text));
    }
}
