using Atelier.Recipes;

namespace Atelier.Data.Images;

/// <summary>
/// Resizes images by a filter, first horizontally and then vertically. The filter is widened by the factor that an
/// image shrinks by, so that every source pixel counts and no aliasing appears.
/// </summary>
internal static class ImageResizer
{
    /// <summary>Reads a row of an image.</summary>
    /// <param name="y">The number of the row, from the top.</param>
    /// <param name="row">Receives the values.</param>
    public delegate void RowReader(int y, Span<float> row);

    /// <summary>Resizes one channel in memory, [height, width].</summary>
    public static float[] Resize(float[] source, int width, int height, int toWidth, int toHeight,
        ResizeFilter filter) =>
        Resize((y, row) => source.AsSpan(y * width, width).CopyTo(row), width, height, toWidth, toHeight, filter);

    /// <summary>Resizes one channel, reading one row at a time.</summary>
    /// <param name="read">Reads a row of the source.</param>
    /// <param name="width">The width of the source.</param>
    /// <param name="height">The height of the source.</param>
    /// <param name="toWidth">The new width.</param>
    /// <param name="toHeight">The new height.</param>
    /// <param name="filter">The filter.</param>
    public static float[] Resize(RowReader read, int width, int height, int toWidth, int toHeight, ResizeFilter filter)
    {
        var across = new float[height * toWidth];
        (int First, double[] Weights)[] columns =
            [.. Enumerable.Range(0, toWidth).Select(x => Weights(x, width, toWidth, filter))];
        var row = new float[width];
        for (int y = 0; y < height; y++)
        {
            read(y, row);
            for (int x = 0; x < toWidth; x++)
                across[(y * toWidth) + x] = (float)Sum(row, columns[x].First, 1, columns[x].Weights);
        }
        var down = new float[toHeight * toWidth];
        for (int y = 0; y < toHeight; y++)
        {
            (int first, double[] weights) = Weights(y, height, toHeight, filter);
            for (int x = 0; x < toWidth; x++)
                down[(y * toWidth) + x] = (float)Sum(across.AsSpan(x), first, toWidth, weights);
        }
        return down;
    }

    /// <summary>Returns the matrix that resizes a row of values by a product, [to, from], row by row.</summary>
    public static float[] Matrix(int from, int to, ResizeFilter filter)
    {
        var matrix = new float[to * from];
        for (int at = 0; at < to; at++)
        {
            (int first, double[] weights) = Weights(at, from, to, filter);
            for (int i = 0; i < weights.Length; i++)
                matrix[(at * from) + first + i] = (float)weights[i];
        }
        return matrix;
    }

    private static double Sum(ReadOnlySpan<float> values, int first, int stride, double[] weights)
    {
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
            sum += weights[i] * values[(first + i) * stride];
        return sum;
    }

    /// <summary>
    /// Returns the weights of the source pixels for a target pixel, which sum to 1: the filter around its centre.
    /// </summary>
    private static (int First, double[] Weights) Weights(int at, int from, int to, ResizeFilter filter)
    {
        double scale = (double)from / to, wide = Math.Max(1, scale), reach = wide * Support(filter),
            middle = (at + 0.5) * scale;
        int first = Math.Max(0, (int)Math.Floor(middle - reach)),
            end = Math.Min(from, (int)Math.Ceiling(middle + reach));
        var weights = new double[end - first];
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
            sum += weights[i] = Value((first + i + 0.5 - middle) / wide, filter);
        for (int i = 0; i < weights.Length; i++)
            weights[i] /= sum;
        return (first, weights);
    }

    private static double Support(ResizeFilter filter) => filter switch
    {
        ResizeFilter.Box => 0.5,
        ResizeFilter.Lanczos => 3,
        _ => 1,
    };

    private static double Value(double x, ResizeFilter filter) => filter switch
    {
        ResizeFilter.Box => x is > -0.5 and <= 0.5 ? 1 : 0,
        ResizeFilter.Lanczos => Math.Abs(x) < 3 ? Sinc(x) * Sinc(x / 3) : 0,
        _ => Math.Max(0, 1 - Math.Abs(x)),
    };

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);
}
