namespace Atelier.Abstractions;

/// <summary>
/// A capability: codes sounds with few bits. Codes come in frames of equal length; each codebook codes what the ones
/// before it leave, so that fewer codebooks give a lower rate. Safe for concurrent use.
/// </summary>
public interface IAudioCodec
{
    /// <summary>Samples per second of each channel.</summary>
    int SampleRate { get; }

    /// <summary>The number of channels that are coded together.</summary>
    int Channels { get; }

    /// <summary>The number of samples of each channel that a frame of codes stands for.</summary>
    int FrameLength { get; }

    /// <summary>The number of codebooks.</summary>
    int CodebookCount { get; }

    /// <summary>The number of codes of a codebook: a power of two.</summary>
    int CodebookSize { get; }

    /// <summary>The SHA-256 of the model's weights in lower-case hexadecimal digits, which codes belong to.</summary>
    string Identity { get; }

    /// <summary>Codes a sound.</summary>
    /// <param name="samples">[channels][time], full scale from −1 to 1, all of one length.</param>
    /// <param name="codebooks">The number of codebooks to use, from 1; null for all.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>[codebooks][frames]; the last frame is filled up with silence.</returns>
    int[][] Encode(IReadOnlyList<float[]> samples, int? codebooks = null, CancellationToken cancellation = default);

    /// <summary>Returns the sound of codes.</summary>
    /// <param name="codes">[codebooks][frames], of the first codebooks.</param>
    /// <param name="length">The number of samples of each channel, at most frames · frame length.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>[channels][length].</returns>
    /// <exception cref="AtelierException">A code does not exist, or there are too few frames.</exception>
    float[][] Decode(IReadOnlyList<int[]> codes, int length, CancellationToken cancellation = default);

    /// <summary>Returns the bits per second of a number of codebooks, without a file's header.</summary>
    double BitsPerSecond(int codebooks) =>
        codebooks * int.Log2(CodebookSize) * (double)SampleRate / FrameLength;
}
