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
        double[] angles = RotaryFrequencies.Of(config.HeadSize, config.RopeTheta, config.RopeScaling);
        double amplitude = RotaryFrequencies.Amplitude(config.RopeScaling);
        for (int position = 0; position < config.ContextLength; position++)
        {
            float* row = Row(position);
            for (int i = 0; i < _half; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * angles[i] / (config.RopeFactors?[i] ?? 1));
                (row[i], row[_half + i]) = ((float)(cosine * amplitude), (float)(sine * amplitude));
            }
        }
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

    private float* Row(int position) => (float*)_memory.Data + (long)position * 2 * _half;
}
