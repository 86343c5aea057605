namespace Atelier.Compress.Sounds;

/// <summary>What a sound is coded with.</summary>
public enum SoundFormat
{
    /// <summary>Opus in an Ogg file (RFC 6716, RFC 7845).</summary>
    Opus,

    /// <summary>The μ-law of ITU-T G.711 in a WAV file: 8 bits a sample.</summary>
    MuLaw,

    /// <summary>A learned codec.</summary>
    Codec,

    /// <summary>Uncompressed, in a WAV file of 16-bit integers.</summary>
    Wav,
}
