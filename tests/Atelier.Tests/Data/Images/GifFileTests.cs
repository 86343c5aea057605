using Atelier.Data.Images;
using SkiaSharp;

namespace Atelier.Tests.Data.Images;

/// <summary>Animations, read back by another program's decoder.</summary>
public sealed class GifFileTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(200, 170)] // more than 4,096 codes: the table is cleared on the way
    public void Grey_frames_come_back_pixel_by_pixel(int width, int height)
    {
        byte[][] frames = [.. Enumerable.Range(0, 3).Select(seed => Noise(width * height, seed))];
        byte[] gif = GifFile.Encode(width, height, 1, frames, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2));
        (int[] delays, byte[][] read) = Read(gif);
        delays.ShouldBe([50, 50, 2000]);
        for (int i = 0; i < frames.Length; i++)
            read[i].Where((_, at) => at % 4 == 0).ShouldBe(frames[i]);
    }

    [Fact]
    public void A_picture_of_few_colours_keeps_them_and_one_of_many_stays_close()
    {
        byte[] few = [.. Enumerable.Repeat((byte[])[220, 50, 40, 255, 255, 255, 50, 90, 220, 0, 0, 0], 16)
            .SelectMany(p => p)];
        byte[] many = Noise(3 * 64 * 64, 5);
        TimeSpan delay = TimeSpan.FromSeconds(1);
        Furthest(few, Read(GifFile.Encode(8, 8, 3, [few], delay, delay)).Frames[0])
            .ShouldBeLessThanOrEqualTo(4, "five bits a channel are counted");
        Furthest(many, Read(GifFile.Encode(64, 64, 3, [many], delay, delay)).Frames[0])
            .ShouldBeLessThanOrEqualTo(64, "256 boxes cut the cube about six times a side");

        static int Furthest(byte[] wanted, byte[] rgba) =>
            Enumerable.Range(0, wanted.Length).Max(i => Math.Abs(wanted[i] - rgba[(i / 3 * 4) + (i % 3)]));
    }

    private static byte[] Noise(int count, int seed)
    {
        var values = new byte[count];
        new Random(seed).NextBytes(values);
        return values;
    }

    private static (int[] Delays, byte[][] Frames) Read(byte[] gif)
    {
        using var codec = SKCodec.Create(new MemoryStream(gif));
        var frames = new byte[codec.FrameCount][];
        for (int i = 0; i < frames.Length; i++)
        {
            using var bitmap =
                new SKBitmap(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
            codec.GetPixels(bitmap.Info, bitmap.GetPixels(), new SKCodecOptions(i)).ShouldBe(SKCodecResult.Success);
            frames[i] = bitmap.Bytes;
        }
        return ([.. codec.FrameInfo.Select(frame => frame.Duration)], frames);
    }
}
