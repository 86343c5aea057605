using Atelier.Kernels;

namespace Atelier.Decoders;

/// <summary>
/// Turns each pair of a query's or key's components by an angle that grows with the position (Su et al. 2021, eq. 34), with
/// the scalings for longer texts.
/// </summary>
internal sealed unsafe class RotaryTable
{
    private readonly WeightMemory _memory;
    private readonly int _half;
    private readonly bool _neighbours;

    /// <summary>Computes cosines and sines of all positions of the context.</summary>
    public RotaryTable(DecoderConfig config)
    {
        _half = config.HeadSize / 2;
        _neighbours = config.RotaryPairs == RotaryPairs.Neighbours;
        _memory = new WeightMemory((nuint)config.ContextLength * (nuint)config.HeadSize * sizeof(float));
        double[] rates = Rates(config);
        double factor = config.RopeScaling is { Name: RotaryScalingName.Yarn } yarn ? yarn.AttentionFactor ?? 0.1 * Math.Log(yarn.Factor) + 1 : 1;
        for (int position = 0; position < config.ContextLength; position++)
        {
            float* row = Row(position);
            for (int i = 0; i < _half; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * rates[i]);
                (row[i], row[_half + i]) = ((float)(cosine * factor), (float)(sine * factor));
            }
        }
    }

    /// <summary>The angle per position of each pair, in radians.</summary>
    public static double[] Rates(DecoderConfig config)
    {
        int half = config.HeadSize / 2;
        double[] rates = new double[half];
        for (int i = 0; i < half; i++)
        {
            double rate = Math.Pow(config.RopeTheta, -2.0 * i / config.HeadSize);
            rate = config.RopeScaling?.Name switch
            {
                RotaryScalingName.Linear => rate / config.RopeScaling.Factor,
                RotaryScalingName.Llama3 => Llama3(rate, config.RopeScaling),
                RotaryScalingName.Yarn => Yarn(rate, i, config),
                _ => rate,
            };
            rates[i] = config.RopeFactors is { } factors ? rate / factors[i] : rate;
        }
        return rates;
    }

    /// <summary>Turns one head's vector in place.</summary>
    public void Turn(float* head, int position)
    {
        float* cosine = Row(position), sine = cosine + _half;
        int step = _neighbours ? 2 : 1, other = _neighbours ? 1 : _half;
        for (int i = 0; i < _half; i++)
        {
            float a = head[i * step], b = head[i * step + other];
            head[i * step] = a * cosine[i] - b * sine[i];
            head[i * step + other] = b * cosine[i] + a * sine[i];
        }
    }

    // Dubey et al. 2024 as in Llama 3.1's published code: between the two bounds a straight line of the turns in the first context.
    private static double Llama3(double rate, RotaryScaling scaling)
    {
        double turns = scaling.OriginalContextLength * rate / (2 * Math.PI);
        double blend = Math.Clamp((turns - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor), 0, 1);
        return (1 - blend) * rate / scaling.Factor + blend * rate;
    }

    // Peng et al. 2023, eq. 20 to 23, with the ramp over the number of the pair as in the published code.
    private static double Yarn(double rate, int pair, DecoderConfig config)
    {
        RotaryScaling scaling = config.RopeScaling!;
        double PairThatTurns(double turns) =>
            config.HeadSize * Math.Log(scaling.OriginalContextLength / (turns * 2 * Math.PI)) / (2 * Math.Log(config.RopeTheta));
        double low = Math.Max(Math.Floor(PairThatTurns(scaling.BetaFast)), 0);
        double high = Math.Min(Math.Ceiling(PairThatTurns(scaling.BetaSlow)), config.HeadSize - 1);
        double ramp = Math.Clamp((pair - low) / Math.Max(high - low, 0.001), 0, 1);
        return ramp * rate / scaling.Factor + (1 - ramp) * rate;
    }

    private float* Row(int position) => (float*)_memory.Data + (long)position * 2 * _half;
}
