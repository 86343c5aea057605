using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// Fixed position encodings in a plane: half of a vector's numbers are sines and cosines of the row, half of the
/// column, with rates 10,000^(−i / n) for i from 0 to n − 1 (Vaswani et al. 2017, section 3.5, in two dimensions).
/// </summary>
internal static class PlanePositions
{
    /// <summary>The vectors of all places, row by row.</summary>
    /// <param name="rows">Places down.</param>
    /// <param name="columns">Places across.</param>
    /// <param name="size">The width of a vector: 4 n.</param>
    /// <returns>[rows · columns, size], fp32: sines and cosines of the row, then those of the column.</returns>
    public static Tensor Of(int rows, int columns, int size)
    {
        int rates = size / 4;
        var values = new float[rows * columns * size];
        for (int place = 0; place < rows * columns; place++)
        {
            for (int i = 0; i < rates; i++)
            {
                double rate = Math.Pow(10_000, -(double)i / rates), row = place / columns * rate,
                    column = place % columns * rate;
                int at = (place * size) + i;
                (values[at], values[at + rates]) = ((float)Math.Sin(row), (float)Math.Cos(row));
                (values[at + (2 * rates)], values[at + (3 * rates)]) =
                    ((float)Math.Sin(column), (float)Math.Cos(column));
            }
        }
        return tensor(values, rows * columns, size);
    }
}
