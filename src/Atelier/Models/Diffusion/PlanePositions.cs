using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// Fixed encodings of positions in a plane: half of a vector encodes the row and half the column, by sines and cosines
/// with rates 10,000^(−i / n) for i from 0 to n − 1 (Vaswani et al. 2017, section 3.5, in two dimensions).
/// </summary>
internal static class PlanePositions
{
    /// <summary>The vectors of all positions, row by row.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="size">The width of a vector: 4 n.</param>
    /// <returns>[rows · columns, size], fp32: sines and cosines of the row, then those of the column.</returns>
    public static Tensor Of(int rows, int columns, int size)
    {
        int rates = size / 4;
        var values = new float[rows * columns * size];
        for (int position = 0; position < rows * columns; position++)
        {
            for (int i = 0; i < rates; i++)
            {
                double rate = Math.Pow(10_000, -(double)i / rates), row = position / columns * rate,
                    column = position % columns * rate;
                int at = (position * size) + i;
                (values[at], values[at + rates]) = ((float)Math.Sin(row), (float)Math.Cos(row));
                (values[at + (2 * rates)], values[at + (3 * rates)]) =
                    ((float)Math.Sin(column), (float)Math.Cos(column));
            }
        }
        return tensor(values, rows * columns, size);
    }
}
