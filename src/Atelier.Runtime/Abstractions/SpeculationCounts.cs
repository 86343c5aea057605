namespace Atelier.Abstractions;

/// <summary>The numbers of proposed and of accepted tokens in speculative decoding.</summary>
/// <param name="Proposed">Tokens proposed.</param>
/// <param name="Accepted">Those that became part of the text.</param>
public readonly record struct SpeculationCounts(int Proposed, int Accepted)
{
    /// <summary>The share of proposed tokens that were accepted, 0 to 1; null if none was proposed.</summary>
    public double? AcceptanceRate => Proposed == 0 ? null : (double)Accepted / Proposed;

    /// <summary>Counts of two together.</summary>
    public static SpeculationCounts operator +(SpeculationCounts a, SpeculationCounts b) =>
        new(a.Proposed + b.Proposed, a.Accepted + b.Accepted);
}
