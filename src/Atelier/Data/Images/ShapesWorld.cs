namespace Atelier.Data.Images;

/// <summary>
/// A world of images with one shape each. Its form, colour, size and place are drawn from a seed: 9 equally likely
/// classes of form and colour, a half width of 6 to 10 pixels, and a centre that keeps the shape inside, both uniform.
/// The class can be read from the pixels, so that generated images are evaluated without a learned classifier.
/// </summary>
public static class ShapesWorld
{
    /// <summary>Its name in recipes.</summary>
    public const string Name = "world:shapes";

    /// <summary>A description in one line.</summary>
    public const string Description = "images of one shape each, in nine classes of form and colour";

    private const int Side = 32;
    private const int LeastCovered = 20; // pixels; the smallest shape has 72
    private const int Samples = 4; // samples in each direction of a pixel, for smooth edges

    private static readonly string[] Forms = ["circle", "square", "triangle"];
    private static readonly (string Name, byte[] Rgb)[] Colours =
        [("red", [220, 50, 40]), ("green", [40, 170, 70]), ("blue", [50, 90, 220])];

    /// <summary>The size, channels and classes of its images.</summary>
    public static ImageSchema Schema { get; } =
        new(Side, Side, 3, [.. Forms.SelectMany(form => Colours.Select(colour => $"{colour.Name}-{form}"))]);

    /// <summary>Returns whether <see cref="Classify"/> can read images of a schema.</summary>
    public static bool Reads(ImageSchema schema) =>
        (schema.Width, schema.Height, schema.Channels) == (Side, Side, 3)
        && schema.Classes.SequenceEqual(Schema.Classes);

    /// <summary>Returns the n-th image, [3, 32, 32] on white, and its label.</summary>
    public static (byte[] Pixels, int Label) Sample(long seed, long number)
    {
        var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)number));
        int label = (int)random.Next(Schema.Classes.Count);
        double half = 6 + (4 * random.NextDouble());
        double x = half + ((Side - (2 * half)) * random.NextDouble()),
            y = half + ((Side - (2 * half)) * random.NextDouble());
        return (Sample(label, x, y, half), label);
    }

    /// <summary>Draws an image of a class with its shape at a position.</summary>
    /// <param name="label">The class.</param>
    /// <param name="x">The centre, in pixels from the left.</param>
    /// <param name="y">The centre, in pixels from the top.</param>
    /// <param name="half">Half the width, in pixels.</param>
    internal static byte[] Sample(int label, double x, double y, double half)
    {
        byte[] rgb = Colours[label % Colours.Length].Rgb;
        var pixels = new byte[3 * Side * Side];
        for (int row = 0; row < Side; row++)
        {
            for (int column = 0; column < Side; column++)
            {
                int inside = 0;
                for (int s = 0; s < Samples * Samples; s++)
                {
                    double dx = column + (((s % Samples) + 0.5) / Samples) - x,
                        dy = row + (((s / Samples) + 0.5) / Samples) - y;
                    inside += IsInside(Forms[label / Colours.Length], dx / half, dy / half) ? 1 : 0;
                }
                double share = (double)inside / (Samples * Samples);
                for (int channel = 0; channel < 3; channel++)
                    pixels[(((channel * Side) + row) * Side) + column] =
                        (byte)Math.Round((share * rgb[channel]) + ((1 - share) * 255));
            }
        }
        return pixels;
    }

    /// <summary>
    /// The class of an image, read from its pixels: the colour of what is not white, and the covered area as a share of
    /// the longest row times the longest column, which smooth edges do not change.
    /// </summary>
    /// <param name="pixels">[3, 32, 32], 0 to 255.</param>
    /// <returns>The label, or −1 if there is no shape.</returns>
    public static int Classify(ReadOnlySpan<byte> pixels)
    {
        Span<double> sums = stackalloc double[3], rows = stackalloc double[Side], columns = stackalloc double[Side];
        double covered = 0, widest = 0, tallest = 0;
        for (int at = 0; at < Side * Side; at++)
        {
            int least = Math.Min(pixels[at], Math.Min(pixels[(Side * Side) + at], pixels[(2 * Side * Side) + at]));
            double share = Math.Clamp((255 - least) / 210.0, 0, 1); // the darkest channel of each colour is about 45
            covered += share;
            widest = Math.Max(widest, rows[at / Side] += share);
            tallest = Math.Max(tallest, columns[at % Side] += share);
            for (int channel = 0; channel < 3; channel++)
                sums[channel] += share * pixels[(channel * Side * Side) + at];
        }
        if (covered < LeastCovered)
            return -1;
        int colour = sums[0] > sums[1] && sums[0] > sums[2] ? 0 : sums[1] > sums[2] ? 1 : 2;
        double fill = covered / (widest * tallest); // square 1, circle π/4, triangle 1/2
        int form = fill > 0.89 ? 1 : fill > 0.68 ? 0 : 2;
        return (form * Colours.Length) + colour;
    }

    private static bool IsInside(string form, double x, double y) => form switch
    {
        "circle" => (x * x) + (y * y) <= 1,
        "square" => Math.Abs(x) <= 1 && Math.Abs(y) <= 1,
        _ => y <= 1 && y >= -1 && Math.Abs(x) <= (y + 1) / 2, // the apex is on top
    };
}
