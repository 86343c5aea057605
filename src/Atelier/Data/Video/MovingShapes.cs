using Atelier.Data.Images;

namespace Atelier.Data.Video;

/// <summary>
/// A world of videos with one moving shape each, on white: 9 equally likely classes of form and colour as in
/// <see cref="ShapesWorld"/>, a half width of 4.5 to 6.5 pixels, a start anywhere between the walls, and a velocity of
/// 1 to 3 pixels per frame in any direction, which is reversed at the walls. <see cref="MovingShapesReader"/> measures
/// all of them from the pixels, so that generated videos are evaluated without a learned classifier.
/// </summary>
public static class MovingShapes
{
    /// <summary>Its name in recipes.</summary>
    public const string Name = "world:moving-shapes";

    /// <summary>A description in one line.</summary>
    public const string Description = "videos of one moving shape each that bounces at the walls, in nine classes";

    /// <summary>Width and height in pixels.</summary>
    public const int Side = 32;

    /// <summary>Frames per second.</summary>
    public const double Fps = 10;

    /// <summary>The smallest and largest half width of a shape in pixels.</summary>
    internal const double LeastHalf = 4.5, MostHalf = 6.5;

    /// <summary>The lowest and highest speed in pixels per frame.</summary>
    internal const double LeastSpeed = 1, MostSpeed = 3;

    /// <summary>The names of the classes.</summary>
    public static IReadOnlyList<string> Classes => ShapesWorld.Schema.Classes;

    /// <summary>Returns whether <see cref="MovingShapesReader"/> can read videos of a schema.</summary>
    public static bool Reads(VideoSchema schema) => ShapesWorld.Reads(schema.Image with { Classes = Classes });

    /// <summary>Returns what the n-th video shows.</summary>
    /// <param name="seed">The seed of the world.</param>
    /// <param name="number">The number of the video.</param>
    public static MovingShape Draw(long seed, long number)
    {
        var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)number));
        int label = (int)random.Next(Classes.Count);
        double half = LeastHalf + ((MostHalf - LeastHalf) * random.NextDouble()), span = Side - (2 * half);
        double x = half + (span * random.NextDouble()), y = half + (span * random.NextDouble());
        double speed = LeastSpeed + ((MostSpeed - LeastSpeed) * random.NextDouble()),
            angle = Math.Tau * random.NextDouble();
        return new(label, half, new(x, speed * Math.Cos(angle), half, Side - half),
            new(y, speed * Math.Sin(angle), half, Side - half));
    }

    /// <summary>Returns the frames of a video, [frames, 3, 32, 32].</summary>
    /// <param name="shape">What it shows.</param>
    /// <param name="frames">The number of frames.</param>
    public static byte[] Render(MovingShape shape, int frames)
    {
        int size = ShapesWorld.Schema.Size;
        var clip = new byte[frames * size];
        for (int frame = 0; frame < frames; frame++)
            ShapesWorld.Sample(shape.Label, shape.X.At(frame), shape.Y.At(frame), shape.Half)
                .CopyTo(clip.AsSpan(frame * size));
        return clip;
    }

    /// <summary>Returns the n-th video as an item of a source; it is drawn when it is read.</summary>
    internal static VideoItem Item(long seed, long number, int frames)
    {
        string name = FormattableString.Invariant($"{number}");
        return new(new VideoEntry(name, $"{Name}:{name}",
            (_, _, _) => new ArrayFrames(() => Render(Draw(seed, number), frames)), Probe: null),
            Draw(seed, number).Label, IsTest: false);
    }
}

/// <summary>What a video of <see cref="MovingShapes"/> shows.</summary>
/// <param name="Label">The class: form and colour.</param>
/// <param name="Half">Half the width of the shape in pixels.</param>
/// <param name="X">The path of its centre from left to right.</param>
/// <param name="Y">The path of its centre from top to bottom.</param>
public sealed record MovingShape(int Label, double Half, ShapePath X, ShapePath Y);
