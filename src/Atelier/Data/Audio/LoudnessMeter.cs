namespace Atelier.Data.Audio;

/// <summary>
/// Measures the integrated loudness of a sound in LUFS, as ITU-R BS.1770-4 defines it: each channel is filtered by the K
/// weighting, and the power of blocks of 400 ms, which overlap by 75 %, is averaged over those above −70 LUFS and above
/// 10 LU below their average. A sound shorter than one block is measured as a whole.
/// </summary>
/// <remarks>The filters at sample rates other than 48 kHz have the same analogue prototype as those of the
/// recommendation.</remarks>
public sealed class LoudnessMeter
{
    private const double AbsoluteGate = -70, RelativeGate = -10, Offset = -0.691;
    private const int StepsPerBlock = 4, StepsPerSecond = 10;

    private readonly int _channels;
    private readonly double[] _shelf, _highPass; // b0, b1, b2, a1, a2
    private readonly double[] _state; // [channel, 4]
    private readonly int _step; // frames
    private readonly List<double> _steps = []; // the power of each 100 ms, summed over channels
    private double _sum;
    private int _count;

    /// <summary>Creates a meter.</summary>
    /// <param name="sampleRate">Frames per second; at least 1000.</param>
    /// <param name="channels">The number of channels, which all have the weight 1, as left, right and centre
    /// have.</param>
    public LoudnessMeter(int sampleRate, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleRate, 1000);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        _channels = channels;
        _shelf = Shelf(sampleRate);
        _highPass = HighPass(sampleRate);
        _state = new double[4 * channels];
        _step = (int)Math.Round((double)sampleRate / StepsPerSecond);
    }

    /// <summary>The loudness of all samples so far, in LUFS; negative infinity for silence.</summary>
    public double Integrated
    {
        get
        {
            if (_steps.Count < StepsPerBlock)
                return Level((_steps.Sum() * _step + _sum) / Math.Max(1, ((long)_steps.Count * _step) + _count));
            double[] blocks = [.. Enumerable.Range(0, _steps.Count - StepsPerBlock + 1)
                .Select(i => (_steps[i] + _steps[i + 1] + _steps[i + 2] + _steps[i + 3]) / StepsPerBlock)
                .Where(power => Level(power) > AbsoluteGate)];
            if (blocks.Length == 0)
                return double.NegativeInfinity;
            double gate = Level(blocks.Average()) + RelativeGate;
            return Level(blocks.Where(power => Level(power) > gate).Average());
        }
    }

    /// <summary>Adds samples.</summary>
    /// <param name="samples">Interleaved samples, full scale from −1 to 1.</param>
    public void Add(ReadOnlySpan<float> samples)
    {
        for (int i = 0; i < samples.Length; i++)
        {
            Span<double> state = _state.AsSpan(i % _channels * 4, 4);
            double weighted = Filter(Filter(samples[i], _shelf, state[..2]), _highPass, state[2..]);
            _sum += weighted * weighted;
            if (i % _channels == _channels - 1 && ++_count == _step)
            {
                _steps.Add(_sum / _step);
                (_sum, _count) = (0, 0);
            }
        }
    }

    /// <summary>Returns the first filter, which models the head: a high shelf of 4 dB.</summary>
    internal static double[] Shelf(int sampleRate)
    {
        const double Frequency = 1681.974450955533, Gain = 3.999843853973347, Q = 0.7071752369554196;
        double k = Math.Tan(Math.PI * Math.Min(Frequency / sampleRate, 0.49)), high = Math.Pow(10, Gain / 20),
            band = Math.Pow(high, 0.4996667741545416), norm = 1 + (k / Q) + (k * k);
        return
        [
            (high + (band * k / Q) + (k * k)) / norm, 2 * ((k * k) - high) / norm,
            (high - (band * k / Q) + (k * k)) / norm, 2 * ((k * k) - 1) / norm, (1 - (k / Q) + (k * k)) / norm,
        ];
    }

    /// <summary>Returns the second filter: a high-pass filter at 38 Hz.</summary>
    internal static double[] HighPass(int sampleRate)
    {
        const double Frequency = 38.13547087602444, Q = 0.5003270373238773;
        double k = Math.Tan(Math.PI * Frequency / sampleRate), norm = 1 + (k / Q) + (k * k);
        return [1, -2, 1, 2 * ((k * k) - 1) / norm, (1 - (k / Q) + (k * k)) / norm];
    }

    private static double Level(double power) => Offset + (10 * Math.Log10(power));

    /// <summary>Filters a sample (transposed direct form II).</summary>
    private static double Filter(double x, double[] filter, Span<double> state)
    {
        double y = (filter[0] * x) + state[0];
        state[0] = (filter[1] * x) - (filter[3] * y) + state[1];
        state[1] = (filter[2] * x) - (filter[4] * y);
        return y;
    }
}
