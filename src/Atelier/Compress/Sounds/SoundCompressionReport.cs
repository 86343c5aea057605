using Atelier.Evaluation.Audio;

namespace Atelier.Compress.Sounds;

/// <summary>The result of coding a sound.</summary>
/// <param name="File">The file that was written.</param>
/// <param name="Format">The format of the file.</param>
/// <param name="Seconds">The length of the sound.</param>
/// <param name="Bytes">The size of the file.</param>
/// <param name="BitsPerSecond">The rate of the coded samples, without the headers of the file.</param>
/// <param name="EntropyBitsPerSecond">The rate of a learned codec's codes if they were entropy-coded by their
/// frequencies in this file, which is a lower bound; null for other formats.</param>
/// <param name="Distortion">How much the coded sound differs from the original; null if a file was decoded.</param>
public sealed record SoundCompressionReport(string File, SoundFormat Format, double Seconds, long Bytes,
    double BitsPerSecond, double? EntropyBitsPerSecond, Distortion? Distortion)
{
    /// <summary>The rate of the whole file.</summary>
    public double FileBitsPerSecond => Seconds > 0 ? 8 * Bytes / Seconds : 0;
}
