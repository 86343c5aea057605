using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// The position encoding of Vaswani et al. 2017, section 3.5: component i of position p is sin(p / 10000^(2 i / size))
/// in the first half of the components, and the cosine of the same angle in the second half. (The paper alternates
/// sines and cosines; files in Marian's layout have halves.)
/// </summary>
public static class SinusoidalPositions
{
    /// <summary>Computes the vectors of the first positions.</summary>
    /// <param name="count">The number of positions.</param>
    /// <param name="size">The width of a vector.</param>
    /// <returns>[count, size], fp32.</returns>
    public static Tensor Table(int count, int size)
    {
        float[] values = new float[count * size];
        int sines = (size + 1) / 2;
        for (int position = 0; position < count; position++)
        {
            for (int i = 0; i < size; i++)
            {
                int pair = i < sines ? i : i - sines;
                double angle = position / Math.Pow(10_000, 2.0 * pair / size);
                values[(position * size) + i] = (float)(i < sines ? Math.Sin(angle) : Math.Cos(angle));
            }
        }
        return tensor(values, count, size);
    }
}
