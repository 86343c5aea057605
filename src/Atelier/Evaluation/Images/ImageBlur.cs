namespace Atelier.Evaluation.Images;

/// <summary>Measures the sharpness of images and blurs them.</summary>
internal static class ImageBlur
{
    private const double FineDetail = 1; // pixels: the width of the blur that removes fine detail

    /// <summary>
    /// Blurs images by a normal distribution, rows and columns separately; at the edge the weights are renormalised.
    /// </summary>
    /// <param name="images">The images.</param>
    /// <param name="deviation">In pixels, above 0.</param>
    public static ImageSet Blurred(this ImageSet images, double deviation) => images with
    {
        Content = null,
        Read = (number, room) =>
        {
            images.Read(number, room);
            Span<byte> values = room.Span[..images.Schema.Size];
            double[] blurred = Blur(values, images, deviation);
            for (int i = 0; i < values.Length; i++)
                values[i] = (byte)Math.Clamp(Math.Round(blurred[i]), 0, 255);
        },
    };

    /// <summary>
    /// Returns the share of fine detail of each image: the norm of what a blur of one pixel removes over the norm of
    /// the image less its mean; 0 for an image of one colour. It does not depend on brightness and contrast.
    /// </summary>
    public static double[] Sharpness(ImageSet images)
    {
        var sharpness = new double[images.Count];
        Parallel.For(0, sharpness.Length, number =>
        {
            byte[] values = new byte[images.Schema.Size];
            images.Read(number, values);
            double[] blurred = Blur(values, images, FineDetail);
            double mean = values.Average(v => (double)v), fine = 0, all = 0;
            for (int i = 0; i < values.Length; i++)
            {
                fine += (values[i] - blurred[i]) * (values[i] - blurred[i]);
                all += (values[i] - mean) * (values[i] - mean);
            }
            sharpness[number] = all > 0 ? Math.Sqrt(fine / all) : 0;
        });
        return sharpness;
    }

    private static double[] Blur(ReadOnlySpan<byte> values, ImageSet images, double deviation)
    {
        int height = images.Schema.Height, width = images.Schema.Width, reach = (int)Math.Ceiling(3 * deviation);
        double[] weights = [.. Enumerable.Range(0, reach + 1).Select(d =>
            Math.Exp(-0.5 * d * d / (deviation * deviation)))];
        double[] along = new double[values.Length], both = new double[values.Length];
        for (int i = 0; i < along.Length; i++)
            along[i] = values[i];
        Pass(along, both, count: width, stride: 1);
        Pass(both, along, count: height, stride: width);
        return along;

        // Blurs each line of values that are one stride apart.
        void Pass(double[] from, double[] to, int count, int stride)
        {
            for (int i = 0; i < from.Length; i++)
            {
                int at = i / stride % count;
                double sum = 0, weight = 0;
                for (int d = Math.Max(-reach, -at); d <= Math.Min(reach, count - 1 - at); d++)
                {
                    sum += weights[Math.Abs(d)] * from[i + (d * stride)];
                    weight += weights[Math.Abs(d)];
                }
                to[i] = sum / weight;
            }
        }
    }
}
