namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>What is known of some variables.</summary>
public static class Evidence
{
    /// <summary>Reads names of variables and of their states.</summary>
    /// <returns>The state of each named variable, by the variable's number.</returns>
    /// <exception cref="AtelierException">A name is not known; the nearest is told.</exception>
    public static IReadOnlyDictionary<int, int> Parse(DiscreteNetwork network, IReadOnlyDictionary<string, string> values)
    {
        var states = new SortedDictionary<int, int>();
        foreach ((string name, string state) in values)
        {
            int variable = network.IndexOf(name);
            states[variable] = network.Variables[variable].StateOf(state);
        }
        return states;
    }

    /// <summary>The evidence as people write it: "smoke = yes, dysp = no".</summary>
    public static string Show(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence) =>
        string.Join(", ", evidence.Select(e => $"{network.Variables[e.Key].Name}={network.Variables[e.Key].States[e.Value]}"));

    /// <summary>The error for evidence of probability zero.</summary>
    internal static AtelierException Impossible(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence) => new(
        $"the evidence has probability zero: {Show(network, evidence)}", "evidence",
        evidence.Count > 1 ? "leave one of these out, or learn with a prior (model.equivalentSampleSize above 0)" : "choose a value that may occur");
}
