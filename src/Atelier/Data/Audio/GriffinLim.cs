using System.Numerics;

namespace Atelier.Data.Audio;

/// <summary>
/// Finds phases for the magnitudes of a short-time Fourier transform (Griffin and Lim 1984), with the momentum of Perraudin
/// et al. (2013, "A fast Griffin-Lim algorithm").
/// </summary>
/// <param name="stft">The transform.</param>
/// <param name="steps">The number of iterations.</param>
/// <param name="momentum">The momentum: 0 for the original algorithm, 0.99 for the fast one.</param>
public sealed class GriffinLim(Stft stft, int steps = 32, double momentum = 0.99)
{
    /// <summary>Returns a signal whose transform has nearly the given magnitudes.</summary>
    /// <param name="magnitudes">[frame][bin].</param>
    /// <param name="length">The number of samples.</param>
    /// <param name="seed">The seed of the first phases, which are uniform.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public float[] Reconstruct(IReadOnlyList<float[]> magnitudes, int length, long seed,
        CancellationToken cancellation = default)
    {
        var random = new SplitMix64(SplitMix64.At((ulong)seed, 0));
        Complex[][] estimate = [.. magnitudes.Select(frame =>
            Array.ConvertAll(frame, size => Complex.FromPolarCoordinates(size, Math.Tau * random.NextDouble())))];
        Complex[][]? before = null;
        float[] samples = stft.Inverse(estimate, length);
        for (int step = 0; step < steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            Complex[][] consistent = stft.Forward(samples);
            for (int t = 0; t < estimate.Length; t++)
            {
                for (int bin = 0; bin < stft.Bins; bin++)
                {
                    Complex moved = consistent[t][bin]
                        + (before is null ? 0 : momentum * (consistent[t][bin] - before[t][bin]));
                    double size = moved.Magnitude;
                    estimate[t][bin] = size > 0 ? moved * (magnitudes[t][bin] / size) : magnitudes[t][bin];
                }
            }
            before = consistent;
            samples = stft.Inverse(estimate, length);
        }
        return samples;
    }
}
