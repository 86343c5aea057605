using Atelier.Data.Images;

namespace Atelier.Data.Video;

/// <summary>
/// A world of videos with two moving digits each, white on black, after Moving MNIST (Srivastava et al. 2015, section
/// 4.1): digits of MNIST, reduced to 14 × 14 pixels, that move with 1 to 3 pixels per frame and bounce at the walls of
/// 32 × 32 pixels. One video in twenty is made from MNIST's test images and held out.
/// </summary>
public sealed class MovingDigits
{
    /// <summary>Its name in recipes.</summary>
    public const string Name = "world:moving-digits";

    /// <summary>A description in one line.</summary>
    public const string Description = "videos of two of MNIST's digits that bounce at the walls";

    private const int Side = MovingShapes.Side, DigitSide = 14, DigitCount = 2;
    private const int HeldOut = 20; // one video of so many is held out

    private readonly long _seed;
    private readonly byte[] _train, _test; // [images, 14, 14]

    private MovingDigits(long seed, byte[] train, byte[] test) => (_seed, _train, _test) = (seed, train, test);

    /// <summary>Reads MNIST's images, which are fetched if they are not on this machine.</summary>
    /// <exception cref="AtelierException">They cannot be fetched, or are damaged.</exception>
    internal static MovingDigits Open(long seed, IProgress<string>? progress, CancellationToken cancellation)
    {
        var catalogue = Catalogue.OfThisMachine();
        IReadOnlyList<string> files = catalogue.Get(catalogue.Find("mnist")!, progress, cancellation);
        return new(seed, Digits("train-images"), Digits("t10k-images"));

        byte[] Digits(string name)
        {
            string path = files.First(file => Path.GetFileName(file).StartsWith(name, StringComparison.Ordinal));
            (int[] shape, byte[] values) = IdxFile.Read(path);
            return shape is [_, 2 * DigitSide, 2 * DigitSide] ? Reduced(values)
                : throw new AtelierException("does not hold images of 28 × 28", path, "download it again");
        }
    }

    /// <summary>Returns the n-th video as an item of a source; it is drawn when it is read.</summary>
    internal VideoItem Item(long number, int frames)
    {
        string name = FormattableString.Invariant($"{number}");
        return new(new VideoEntry(name, $"{Name}:{name}",
            (_, _, _) => new ArrayFrames(() => Render(number, frames)), Probe: null), 0, IsHeldOut(number));
    }

    /// <summary>Returns the frames of the n-th video, [frames, 1, 32, 32].</summary>
    internal byte[] Render(long number, int frames)
    {
        var random = new SplitMix64(SplitMix64.At((ulong)_seed, (ulong)number));
        byte[] digits = IsHeldOut(number) ? _test : _train;
        var clip = new byte[frames * Side * Side];
        for (int digit = 0; digit < DigitCount; digit++)
        {
            ReadOnlySpan<byte> image = digits.AsSpan(
                (int)random.Next(digits.Length / DigitSide / DigitSide) * DigitSide * DigitSide, DigitSide * DigitSide);
            double most = Side - DigitSide, speed = MovingShapes.LeastSpeed
                + ((MovingShapes.MostSpeed - MovingShapes.LeastSpeed) * random.NextDouble());
            double angle = Math.Tau * random.NextDouble();
            var x = new ShapePath(most * random.NextDouble(), speed * Math.Cos(angle), 0, most);
            var y = new ShapePath(most * random.NextDouble(), speed * Math.Sin(angle), 0, most);
            for (int frame = 0; frame < frames; frame++)
                Add(image, (int)Math.Round(x.At(frame)), (int)Math.Round(y.At(frame)),
                    clip.AsSpan(frame * Side * Side, Side * Side));
        }
        return clip;
    }

    private static bool IsHeldOut(long number) => number % HeldOut == HeldOut - 1;

    private static void Add(ReadOnlySpan<byte> image, int left, int top, Span<byte> frame)
    {
        for (int at = 0; at < image.Length; at++)
        {
            ref byte pixel = ref frame[((top + (at / DigitSide)) * Side) + left + (at % DigitSide)];
            pixel = Math.Max(pixel, image[at]);
        }
    }

    /// <summary>Halves width and height by the mean of four pixels.</summary>
    private static byte[] Reduced(byte[] images)
    {
        const int Wide = 2 * DigitSide;
        var reduced = new byte[images.Length / 4];
        for (int at = 0; at < reduced.Length; at++)
        {
            int image = at / (DigitSide * DigitSide), row = at / DigitSide % DigitSide, column = at % DigitSide;
            int from = (image * Wide * Wide) + (2 * row * Wide) + (2 * column);
            reduced[at] = (byte)((images[from] + images[from + 1] + images[from + Wide] + images[from + Wide + 1] + 2)
                / 4);
        }
        return reduced;
    }
}
