using Atelier.Networks;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>The position encoding of Vaswani et al. 2017, section 3.5, as a tensor.</summary>
public static class SinusoidalPositions
{
    /// <summary>Computes the vectors of the first positions.</summary>
    /// <param name="count">The number of positions.</param>
    /// <param name="size">The width of a vector.</param>
    /// <returns>[count, size], fp32.</returns>
    public static Tensor Table(int count, int size)
    {
        float[] values = new float[count * size];
        for (int position = 0; position < count; position++)
            SinusoidalEncoding.Fill(position, values.AsSpan(position * size, size));
        return tensor(values, count, size);
    }
}
