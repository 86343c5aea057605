namespace Atelier.Data.Audio;

/// <summary>The kinds of sounds in <see cref="SoundsWorld"/>.</summary>
public enum SoundKind
{
    /// <summary>A sine of one pitch.</summary>
    Tone,

    /// <summary>A sine whose pitch rises, falls, or does both.</summary>
    Chirp,

    /// <summary>Short strokes at equal intervals.</summary>
    Rhythm,

    /// <summary>A sung vowel.</summary>
    Vowel,
}
