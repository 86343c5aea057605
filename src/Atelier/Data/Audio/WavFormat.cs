namespace Atelier.Data.Audio;

/// <summary>How the samples of a WAV file are stored.</summary>
internal enum WavFormat
{
    /// <summary>Unsigned integers of 8 bits.</summary>
    Unsigned8,

    /// <summary>Signed integers of 16 bits.</summary>
    Signed16,

    /// <summary>Signed integers of 24 bits.</summary>
    Signed24,

    /// <summary>Signed integers of 32 bits.</summary>
    Signed32,

    /// <summary>Floating-point numbers of 32 bits.</summary>
    Float32,

    /// <summary>Floating-point numbers of 64 bits.</summary>
    Float64,
}
