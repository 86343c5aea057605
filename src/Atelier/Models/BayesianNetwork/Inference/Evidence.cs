namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>Describes evidence, the known values of some variables.</summary>
internal static class Evidence
{
    /// <summary>Formats evidence as text, such as "smoke=yes, dysp=no".</summary>
    public static string Show(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence) =>
        string.Join(", ",
            evidence.Select(e => $"{network.Variables[e.Key].Name}={network.Variables[e.Key].States[e.Value]}"));

    /// <summary>Creates the exception for evidence of probability zero.</summary>
    internal static AtelierException Impossible(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence) => new(
        $"the evidence has probability zero: {Show(network, evidence)}", "evidence",
        evidence.Count > 1 ? "leave one of these out, or train with a prior (model.equivalentSampleSize above 0)"
            : "choose a value that can occur");
}
