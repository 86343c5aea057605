namespace Atelier.Data.Audio;

/// <summary>What a sound of <see cref="SoundsWorld"/> is.</summary>
/// <param name="Label">Its class, a position in <see cref="SoundsWorld.Classes"/>.</param>
/// <param name="Pitch">The frequency in Hz: of a tone, of a chirp in its middle, of a vowel's voice; 0 for a
/// rhythm.</param>
/// <param name="Span">The octaves that a chirp rises; negative if it falls. For one that turns in the middle, the
/// octaves up to there. 0 for other kinds.</param>
/// <param name="Tempo">The strokes of a rhythm in a second; 0 for other kinds.</param>
public readonly record struct SoundAttributes(int Label, double Pitch, double Span, double Tempo)
{
    /// <summary>Its kind.</summary>
    public SoundKind Kind => (SoundKind)(Label / SoundsWorld.Variants);
}
