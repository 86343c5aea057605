namespace Atelier.Abstractions;

/// <summary>The numbers of proposed and accepted tokens in speculative decoding.</summary>
/// <param name="Proposed">Number of proposed tokens.</param>
/// <param name="Accepted">Number of proposed tokens that became part of the text.</param>
public readonly record struct SpeculationCounts(int Proposed, int Accepted)
{
    /// <summary>The share of proposed tokens that were accepted, 0 to 1; null if none was proposed.</summary>
    public double? AcceptanceRate => Proposed == 0 ? null : (double)Accepted / Proposed;

    /// <summary>Adds two counts.</summary>
    public static SpeculationCounts operator +(SpeculationCounts a, SpeculationCounts b) =>
        new(a.Proposed + b.Proposed, a.Accepted + b.Accepted);
}
