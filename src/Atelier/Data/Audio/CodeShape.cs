namespace Atelier.Data.Audio;

/// <summary>The shape of the codes of a clip.</summary>
/// <param name="Codebooks">The number of codebooks.</param>
/// <param name="CodebookSize">The number of codes of a codebook.</param>
/// <param name="Frames">The number of frames: each has one code of each codebook.</param>
public sealed record CodeShape(int Codebooks, int CodebookSize, int Frames)
{
    /// <summary>The number of codes of a clip: codebooks · frames.</summary>
    public int Size => Codebooks * Frames;
}
