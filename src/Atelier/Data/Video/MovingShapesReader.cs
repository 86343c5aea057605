using Atelier.Data.Images;

namespace Atelier.Data.Video;

/// <summary>
/// Measures what a video of <see cref="MovingShapes"/> shows, by image processing: form and colour of each frame, the
/// edges of the shape, and the path with constant speed and elastic bounces that fits the centres of all frames best.
/// </summary>
public static class MovingShapesReader
{
    private const int Side = MovingShapes.Side;
    private const double MostSpeed = 3.6, SpeedStep = 0.04; // of the velocities that are tried, in pixels per frame
    private const double StartReach = 0.6, StartStep = 0.2; // of the starts that are tried, in pixels
    private const double PathTolerance = 1.25; // pixels between the centre of a frame and the path
    private const double SizeTolerance = 1.25; // pixels between the half width of a frame and the median
    private const double SpeedTolerance = 0.25; // pixels per frame

    /// <summary>Reads a video.</summary>
    /// <param name="clip">[frames, 3, 32, 32], 0 to 255.</param>
    public static ReadShape Read(ReadOnlySpan<byte> clip)
    {
        int size = ShapesWorld.Schema.Size, frames = clip.Length / size;
        var labels = new int[frames];
        double[] x = new double[frames], y = new double[frames], half = new double[frames];
        for (int frame = 0; frame < frames; frame++)
        {
            ReadOnlySpan<byte> pixels = clip.Slice(frame * size, size);
            labels[frame] = ShapesWorld.Classify(pixels);
            (x[frame], y[frame], half[frame]) = Edges(pixels);
        }
        double middle = half.Order().ElementAt(frames / 2);
        middle = Math.Clamp(double.IsFinite(middle) ? middle : MovingShapes.MostHalf, 2, (Side / 2) - 2);
        int label = labels.CountBy(one => one).MaxBy(count => count.Value).Key;
        (ShapePath across, double errorX) = Fit(x, middle);
        (ShapePath down, double errorY) = Fit(y, middle);
        double speed = double.Hypot(across.Velocity, down.Velocity);
        bool persists = labels.All(one => one >= 0) && half.All(one => Math.Abs(one - middle) <= SizeTolerance);
        return new(label, middle, across, down)
        {
            Persists = persists,
            KeepsColour = labels.All(one => one >= 0 && one % 3 == label % 3),
            KeepsForm = labels.All(one => one >= 0 && one / 3 == label / 3),
            KeepsVelocity = persists && Math.Max(errorX, errorY) <= PathTolerance
                && speed >= MovingShapes.LeastSpeed - SpeedTolerance
                && speed <= MovingShapes.MostSpeed + SpeedTolerance,
            BounceCount = across.Bounces(frames - 1) + down.Bounces(frames - 1),
            PathError = Math.Max(errorX, errorY),
        };
    }

    /// <summary>
    /// Returns the centre and half the width of the shape in a frame, from the rows and columns that it covers; edges
    /// within a pixel count by the share that is covered.
    /// </summary>
    private static (double X, double Y, double Half) Edges(ReadOnlySpan<byte> pixels)
    {
        Span<double> rows = stackalloc double[Side], columns = stackalloc double[Side];
        rows.Clear();
        columns.Clear();
        for (int at = 0; at < Side * Side; at++)
        {
            int least = Math.Min(pixels[at], Math.Min(pixels[(Side * Side) + at], pixels[(2 * Side * Side) + at]));
            double share = Math.Clamp((255 - least) / 210.0, 0, 1); // as in ShapesWorld
            rows[at / Side] = Math.Max(rows[at / Side], share);
            columns[at % Side] = Math.Max(columns[at % Side], share);
        }
        (double left, double right) = Ends(columns);
        (double top, double bottom) = Ends(rows);
        return ((left + right) / 2, (top + bottom) / 2, (right - left + bottom - top) / 4);
    }

    private static (double First, double Last) Ends(ReadOnlySpan<double> shares)
    {
        const double Half = 0.5, Faint = 0.08;
        int first = 0, last = Side - 1;
        while (first < Side && shares[first] < Half)
            first++;
        while (last >= 0 && shares[last] < Half)
            last--;
        if (first > last)
            return (double.NaN, double.NaN);
        double before = first > 0 && shares[first - 1] > Faint ? shares[first - 1] : 1 - shares[first] is > 0.05 and
            var missing ? -missing : 0;
        double after = last + 1 < Side && shares[last + 1] > Faint ? shares[last + 1] : 1 - shares[last] is > 0.05 and
            var lacking ? -lacking : 0;
        return (first - before, last + 1 + after);
    }

    /// <summary>
    /// Tries starts and velocities, and returns the path with the least greatest error, and that error.
    /// </summary>
    private static (ShapePath Path, double Error) Fit(double[] centres, double half)
    {
        (ShapePath Path, double Error) best =
            (new(Side / 2, 0, half, Side - half), double.PositiveInfinity);
        if (!centres.All(double.IsFinite))
            return best;
        double low = Math.Min(half, centres.Min()), high = Math.Max(Side - half, centres.Max());
        for (double offset = -StartReach; offset <= StartReach + 1e-9; offset += StartStep)
        {
            for (double velocity = -MostSpeed; velocity <= MostSpeed + 1e-9; velocity += SpeedStep)
            {
                var path = new ShapePath(centres[0] + offset, velocity, low, high);
                double error = 0;
                for (int frame = 0; frame < centres.Length && error < best.Error; frame++)
                    error = Math.Max(error, Math.Abs(path.At(frame) - centres[frame]));
                if (error < best.Error)
                    best = (path, error);
            }
        }
        return best;
    }
}

/// <summary>What was measured in a video.</summary>
/// <param name="Label">The class of most frames; −1 if they show no shape.</param>
/// <param name="Half">The median of half the width of the shape in pixels.</param>
/// <param name="X">The path from left to right that fits the frames best.</param>
/// <param name="Y">The path from top to bottom that fits the frames best.</param>
public sealed record ReadShape(int Label, double Half, ShapePath X, ShapePath Y)
{
    /// <summary>Whether all frames show a shape of one size.</summary>
    public bool Persists { get; init; }

    /// <summary>Whether the colour of all frames is that of most.</summary>
    public bool KeepsColour { get; init; }

    /// <summary>Whether the form of all frames is that of most.</summary>
    public bool KeepsForm { get; init; }

    /// <summary>
    /// Whether all frames fit one path with a speed of the world, which is reversed at the walls and nowhere else.
    /// </summary>
    public bool KeepsVelocity { get; init; }

    /// <summary>The number of bounces of that path.</summary>
    public int BounceCount { get; init; }

    /// <summary>The greatest distance in pixels, along an axis, between a frame's centre and that path.</summary>
    public double PathError { get; init; }

    /// <summary>Whether all attributes are right over all frames.</summary>
    /// <param name="asked">The class that was asked for; null for any.</param>
    public bool IsRight(int? asked = null) =>
        Persists && KeepsColour && KeepsForm && KeepsVelocity && (asked is null || asked == Label);
}
