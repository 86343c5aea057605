using Atelier.Abstractions;

namespace Atelier.Data.Audio;

/// <summary>
/// The μ-law of G.711 as a codec of one codebook with 256 codes, in which a frame is a sample (as in WaveNet, van den
/// Oord et al. 2016, section 2.2).
/// </summary>
/// <param name="sampleRate">Samples per second.</param>
internal sealed class MuLawCodec(int sampleRate) : IAudioCodec
{
    /// <inheritdoc/>
    public int SampleRate => sampleRate;

    /// <inheritdoc/>
    public int Channels => 1;

    /// <inheritdoc/>
    public int FrameLength => 1;

    /// <inheritdoc/>
    public int CodebookCount => 1;

    /// <inheritdoc/>
    public int CodebookSize => 256;

    /// <inheritdoc/>
    public string Identity => "mu-law";

    /// <inheritdoc/>
    public int[][] Encode(IReadOnlyList<float[]> samples, int? codebooks = null,
        CancellationToken cancellation = default) =>
        [Array.ConvertAll(samples.Single(), sample => (int)MuLaw.Encode(sample))];

    /// <inheritdoc/>
    public float[][] Decode(IReadOnlyList<int[]> codes, int length, CancellationToken cancellation = default) =>
        [Array.ConvertAll(codes.Single()[..length], code => MuLaw.Decode((byte)code))];
}
