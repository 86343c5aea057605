using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using Atelier.Data.Images;
using Atelier.Recipes;
using SkiaSharp;

namespace Atelier.Tests.Data.Images;

/// <summary>Pictures as cameras, telephones and archives leave them.</summary>
public sealed class PictureReadingTests : IDisposable
{
    private const int Width = 48, Height = 32; // of the file

    // The corners of the picture in the file, from the top left by rows.
    private static readonly byte[] Corners = [250, 170, 90, 10];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // What EXIF 2.3 (table of tag 0x0112) says of where the file's first row and column are on the upright picture.
    [Theory]
    [InlineData(1, 0, 1, 2, 3)]
    [InlineData(2, 1, 0, 3, 2)]
    [InlineData(3, 3, 2, 1, 0)]
    [InlineData(4, 2, 3, 0, 1)]
    [InlineData(5, 0, 2, 1, 3)]
    [InlineData(6, 2, 0, 3, 1)]
    [InlineData(7, 3, 1, 2, 0)]
    [InlineData(8, 1, 3, 0, 2)]
    public void A_picture_is_turned_as_its_orientation_says(int orientation, int topLeft, int topRight, int bottomLeft,
        int bottomRight)
    {
        string path = _folder.Write("a.jpg", WithOrientation(Encoded(SKEncodedImageFormat.Jpeg), orientation));
        (int wide, int high) = orientation >= 5 ? (Height, Width) : (Width, Height);
        ImageFiles.Measure(ImageFiles.Load(path)).ShouldBe((wide, high));
        Greys(path, wide, high)
            .ShouldBe([Corners[topLeft], Corners[topRight], Corners[bottomLeft], Corners[bottomRight]]);
    }

    [Fact]
    public void Orientation_is_honoured_in_png_and_webp_too()
    {
        byte[] exif = Exif(6);
        byte[] png = Encoded(SKEncodedImageFormat.Png);
        Greys(_folder.Write("a.png", WithChunk(png, "eXIf"u8, exif)), Height, Width)
            .ShouldBe([Corners[2], Corners[0], Corners[3], Corners[1]]);
        byte[] webp = WithRiffExif(Encoded(SKEncodedImageFormat.Webp), exif);
        Greys(_folder.Write("a.webp", webp), Height, Width).ShouldBe([Corners[2], Corners[0], Corners[3], Corners[1]]);
    }

    [Theory]
    [InlineData("o1", 1)]
    [InlineData("o2", 2)]
    [InlineData("o3", 3)]
    [InlineData("o6", 6)]
    public void Turned_pictures_of_a_camera_are_those_that_were_not_turned(string name, int orientation)
    {
        string upright = TestSupport.TestCases.Path("images/exif-orientation/o1/a.jpg"),
            turned = TestSupport.TestCases.Path($"images/exif-orientation/{name}/a.jpg");
        const int side = 8;
        byte[] plain = ImageFiles.Read(upright, side, side, 1), read = ImageFiles.Read(turned, side, side, 1);
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                int from = orientation switch
                {
                    2 => (y * side) + side - 1 - x,
                    3 => ((side - 1 - y) * side) + side - 1 - x,
                    6 => ((side - 1 - x) * side) + y,
                    _ => (y * side) + x,
                };
                Math.Abs(read[(y * side) + x] - plain[from]).ShouldBeLessThanOrEqualTo(8);
            }
        }
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("in.tar")]
    [InlineData("in.tar.gz")]
    [InlineData("in.zip")]
    public void Hidden_and_left_behind_files_are_neither_pictures_nor_classes(string kind)
    {
        foreach (string name in (string[])["cats/1.png", "cats/._1.png", "dogs/2.png", ".git/3.png",
            "__MACOSX/cats/._1.png", ".cache/x/4.png", "dogs/.DS_Store", "notes.heic"])
            Paint($"in/{name}");
        string source = _folder["in"];
        if (kind == "in.zip")
            ZipFile.CreateFromDirectory(source, source = _folder[kind], CompressionLevel.Fastest,
                includeBaseDirectory: true);
        else if (kind != "folder")
        {
            using Stream file = File.Create(_folder[kind]);
            using Stream packed = kind.EndsWith("gz", StringComparison.Ordinal)
                ? new GZipStream(file, CompressionLevel.Fastest) : file;
            TarFile.CreateFromDirectory(source, packed, includeBaseDirectory: kind == "in.tar.gz");
            source = _folder[kind];
        }
        using ImageData data = Prepare(source);
        data.Schema.Classes.ShouldBe(["cats", "dogs"]);
        data.Train.Count.ShouldBe(2);
        data.Notes.ShouldContain("1 file of other types ignored: 1 .heic.");
    }

    [Fact]
    public void A_zip_made_to_fill_a_memory_is_refused()
    {
        using (FileStream file = File.Create(_folder["bomb.zip"]))
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create))
        using (Stream entry = zip.CreateEntry("a.png", CompressionLevel.Optimal).Open())
        {
            var zeros = new byte[1 << 20];
            for (int i = 0; i < 300; i++)
                entry.Write(zeros);
        }
        Should.Throw<AtelierException>(() =>
            Prepare(_folder["bomb.zip"])).Message.ShouldContain("unpacks to more than 200 times");
    }

    [Fact]
    public void A_big_picture_is_unpacked_smaller_where_its_format_allows_that_and_looks_the_same()
    {
        using var bitmap = new SKBitmap(3000, 2000, SKColorType.Rgba8888, SKAlphaType.Opaque);
        Span<byte> pixels = bitmap.GetPixelSpan();
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(i % 4 == 3 ? 255
                : 128 + (100 * Math.Sin(i / 4 % 3000 / 300.0) * Math.Cos(i / 4 / 3000 / 200.0)));
        using SKData jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 95),
            png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        using var small = DecodedImage.Decode(jpeg.ToArray(), "a.jpg", 48, 32);
        small.Width.ShouldBeLessThan(1000);
        using var whole = DecodedImage.Decode(png.ToArray(), "a.png", 48, 32);
        whole.Width.ShouldBe(3000);
        byte[] one = small.Fit(48, 32, 3, ResizeFilter.Triangle), other = whole.Fit(48, 32, 3, ResizeFilter.Triangle);
        one.Zip(other).Max(pair => Math.Abs(pair.First - pair.Second)).ShouldBeLessThanOrEqualTo(6);
    }

    /// <summary>A picture whose four quarters have the greys of <see cref="Corners"/>.</summary>
    private static byte[] Encoded(SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                byte grey = Corners[(y < Height / 2 ? 0 : 2) + (x < Width / 2 ? 0 : 1)];
                bitmap.SetPixel(x, y, new SKColor(grey, grey, grey));
            }
        }
        using SKData data = bitmap.Encode(format, 98);
        return data.ToArray();
    }

    /// <summary>The greys of <see cref="Corners"/> that the corners of a picture are nearest to.</summary>
    private static byte[] Greys(string path, int width, int height)
    {
        byte[] pixels = ImageFiles.Read(path, width, height, 1);
        byte At(int x, int y) => Corners.MinBy(grey => Math.Abs(grey - pixels[(y * width) + x]));
        return [At(3, 3), At(width - 4, 3), At(3, height - 4), At(width - 4, height - 4)];
    }

    /// <summary>A TIFF header and a directory of one tag, the orientation.</summary>
    private static byte[] Exif(int orientation) =>
        [.. "MM\0*\0\0\0\b"u8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];

    private static byte[] WithOrientation(byte[] jpeg, int orientation)
    {
        byte[] content = [.. "Exif\0\0"u8, .. Exif(orientation)];
        int length = content.Length + 2;
        return [.. jpeg[..2], 0xFF, 0xE1, (byte)(length >> 8), (byte)length, .. content, .. jpeg[2..]];
    }

    private static byte[] WithChunk(byte[] png, ReadOnlySpan<byte> type, byte[] content)
    {
        const int headerEnd = 8 + 25; // signature, IHDR
        byte[] chunk = [.. type, .. content], ends = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(ends, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(ends.AsSpan(4), Crc(chunk));
        return [.. png[..headerEnd], .. ends[..4], .. chunk, .. ends[4..], .. png[headerEnd..]];
    }

    /// <summary>A WebP file of the extended form with a chunk of EXIF after the picture (RFC 9649, 2.7).</summary>
    private static byte[] WithRiffExif(byte[] webp, byte[] exif)
    {
        static byte[] Number(int value, int bytes) =>
            [.. Enumerable.Range(0, bytes).Select(i => (byte)(value >> (8 * i)))];
        byte[] extended =
            [.. "VP8X"u8, .. Number(10, 4), 0x08, 0, 0, 0, .. Number(Width - 1, 3), .. Number(Height - 1, 3)];
        byte[] body = [.. "WEBP"u8, .. extended, .. webp[12..], .. "EXIF"u8, .. Number(exif.Length, 4), .. exif];
        return [.. "RIFF"u8, .. Number(body.Length, 4), .. body];
    }

    /// <summary>CRC-32 a bit at a time (PNG specification, annex D).</summary>
    private static uint Crc(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 1 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
        }
        return ~crc;
    }

    private void Paint(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        ImageFiles.WritePng(_folder[name], 8, 8, 1, [.. Enumerable.Repeat((byte)name.Length, 64)]);
    }

    private ImageData Prepare(string source) =>
        ImageData.Prepare(new DataSection { Source = source, Split = SplitSection.None }, 1,
            _folder[$"out-{Guid.NewGuid():N}"]);
}
