using System.Numerics;

namespace Atelier.Data.Audio;

/// <summary>
/// The filter of a conversion between two sample rates, once for each phase of an output between two inputs (Crochiere
/// and Rabiner 1983). The pass band, up to 0.9 times half the lower of both rates, is flat to 0.001 dB; above half the
/// lower rate, sound is attenuated by 100 dB.
/// </summary>
internal sealed class PolyphaseFilter
{
    private const long MostCoefficients = 1 << 25; // two unusual rates with no common divisor need very many
    private readonly float[] _filters; // [phase, tap]

    /// <summary>Computes the filters.</summary>
    /// <param name="from">Frames per second of the input.</param>
    /// <param name="to">Frames per second of the output.</param>
    /// <exception cref="AtelierException">The rates have no large common divisor, so that there would be too many
    /// filters.</exception>
    public PolyphaseFilter(int from, int to)
    {
        int divisor = (int)BigInteger.GreatestCommonDivisor(to, from);
        (Up, Down) = (to / divisor, from / divisor);
        double edge = Math.Min(1, (double)to / from);
        Before = (int)Math.Ceiling(KaiserFilter.HalfLength / edge);
        if ((long)Up * Taps > MostCoefficients)
            throw new AtelierException($"its sample rate of {from} Hz cannot be converted to {to} Hz",
                hint: "convert it to a usual sample rate first");
        _filters = new float[Up * Taps];
        for (int phase = 0; phase < Up; phase++)
        {
            for (int tap = 0; tap < Taps; tap++)
            {
                // The output lies phase / up after the input frame number before − 1.
                double time = ((double)phase / Up) + Before - 1 - tap;
                _filters[(phase * Taps) + tap] = (float)KaiserFilter.Response(time, edge);
            }
        }
    }

    /// <summary>The number of phases: output n lies at the time n · down / up in frames of the input.</summary>
    public int Up { get; }

    /// <summary>The frames of the input for which there are <see cref="Up"/> frames of output.</summary>
    public int Down { get; }

    /// <summary>The inputs of an output up to its own time; as many follow it.</summary>
    public int Before { get; }

    /// <summary>The inputs of an output.</summary>
    public int Taps => 2 * Before;

    /// <summary>Computes an output.</summary>
    /// <param name="phase">Its phase, from 0.</param>
    /// <param name="inputs"><see cref="Taps"/> frames of the input.</param>
    public float Apply(int phase, ReadOnlySpan<float> inputs)
    {
        ReadOnlySpan<float> filter = _filters.AsSpan(phase * Taps, Taps);
        Vector<float> sums = Vector<float>.Zero;
        int i = 0;
        for (; i <= filter.Length - Vector<float>.Count; i += Vector<float>.Count)
            sums += new Vector<float>(filter[i..]) * new Vector<float>(inputs[i..]);
        float sum = Vector.Sum(sums);
        for (; i < filter.Length; i++)
            sum += filter[i] * inputs[i];
        return sum;
    }
}
