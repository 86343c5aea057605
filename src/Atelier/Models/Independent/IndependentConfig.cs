using System.ComponentModel.DataAnnotations;

namespace Atelier.Models.Independent;

/// <summary>How counts become probabilities.</summary>
public sealed record IndependentConfig
{
    /// <summary>
    /// Additive smoothing: added to the count of each category, so that none is impossible (Laplace 1814: 1).
    /// </summary>
    [Range(0.0, 1e6)]
    public double Smoothing { get; init; } = 1;
}
