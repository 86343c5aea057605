namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>The evidence: known values of some variables.</summary>
internal static class Evidence
{
    /// <summary>The evidence as people write it: "smoke = yes, dysp = no".</summary>
    public static string Show(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence) =>
        string.Join(", ",
            evidence.Select(e => $"{network.Variables[e.Key].Name}={network.Variables[e.Key].States[e.Value]}"));

    /// <summary>The error for evidence of probability zero.</summary>
    internal static AtelierException Impossible(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence) => new(
        $"the evidence has probability zero: {Show(network, evidence)}", "evidence",
        evidence.Count > 1 ? "leave one of these out, or train with a prior (model.equivalentSampleSize above 0)"
            : "choose a value that can occur");
}
