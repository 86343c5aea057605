using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Rotates each pair of components of a query or key by an angle that grows with the position (Su et al. 2021, eq. 34),
/// with the scalings for longer texts. Cosines and sines are computed only for the positions that texts reach: those of
/// a context of 131,072 would take 64 MB with heads of 128.
/// </summary>
internal sealed unsafe class RotaryTable
{
    private const int PagePositions = 256;
    private readonly WeightMemory?[] _pages;
    private readonly Lock _filling = new();
    private readonly double[] _angles;
    private readonly double _amplitude;
    private readonly int _half;
    private readonly bool _neighbours;

    /// <summary>Creates an empty table.</summary>
    public RotaryTable(DecoderConfig config)
    {
        int size = config.RotarySize ?? config.HeadSize; // a head's other components are not rotated
        _half = size / 2;
        _neighbours = config.RotaryPairs == RotaryPairs.Neighbours;
        _pages = new WeightMemory?[(config.ContextLength + PagePositions - 1L) / PagePositions];
        _amplitude = config.RopeAmplitude * RotaryFrequencies.Amplitude(config.RopeScaling);
        _angles = RotaryFrequencies.Of(size, config.RopeTheta, config.RopeScaling);
        for (int i = 0; i < _half; i++)
            _angles[i] /= config.RopeFactors?[i] ?? 1;
    }

    /// <summary>The size in bytes of the computed part of the table.</summary>
    public long Bytes => _pages.Count(page => page is not null) * (long)PagePositions * 2 * _half * sizeof(float);

    /// <summary>Rotates the vector of one head in place. Safe for concurrent use.</summary>
    public void Rotate(float* head, int position)
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

    private float* Row(int position)
    {
        WeightMemory page = Volatile.Read(ref _pages[position / PagePositions]) ?? Fill(position / PagePositions);
        return (float*)page.Data + position % PagePositions * 2L * _half;
    }

    private WeightMemory Fill(int number)
    {
        lock (_filling)
        {
            if (_pages[number] is { } filled)
                return filled;
            var page = new WeightMemory((nuint)(PagePositions * 2 * _half * sizeof(float)));
            for (int i = 0; i < PagePositions; i++)
            {
                float* row = (float*)page.Data + i * 2L * _half;
                for (int pair = 0; pair < _half; pair++)
                {
                    (double sine, double cosine) = Math.SinCos(((double)number * PagePositions + i) * _angles[pair]);
                    (row[pair], row[_half + pair]) = ((float)(cosine * _amplitude), (float)(sine * _amplitude));
                }
            }
            Volatile.Write(ref _pages[number], page);
            return page;
        }
    }
}
