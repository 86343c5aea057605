
namespace Atelier.Kernels;

/// <summary>
/// Cosines and sines of each place, [time, size], in the order of RotaryPositions: the sines' first half
/// is negative.
/// </summary>
internal readonly unsafe struct RotaryTables(float* cosine, float* sine)
{
    /// <summary>Cosines; null where nothing turns.</summary>
    public float* Cosine { get; } = cosine;

    /// <summary>Sines.</summary>
    public float* Sine { get; } = sine;

    /// <summary>Whether nothing turns.</summary>
    public bool IsEmpty => Cosine is null;
}
