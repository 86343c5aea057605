using Atelier.Formats;
using Atelier.Recipes;
using SkiaSharp;

namespace Atelier.Data.Images;

/// <summary>Pictures in files: read as grey or colour of a size, and written as PNG.</summary>
public static class PictureFiles
{
    /// <summary>The most pixels that a file may claim; a larger one is not unpacked.</summary>
    public const long MostPixels = 100_000_000;

    internal static IReadOnlyList<string> Formats { get; } = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

    /// <summary>Reads a picture. What is transparent is laid on white; of a GIF the first frame is taken; other depths and colour spaces become 8 bits a channel.</summary>
    /// <param name="path">PNG, JPEG, WebP, GIF or BMP.</param>
    /// <exception cref="AtelierException">The file is no picture that can be read, damaged, or larger than <see cref="MostPixels"/>.</exception>
    public static SKBitmap Read(string path) => Read(Bytes(path), path);

    /// <summary>Reads a packed picture that is held already.</summary>
    /// <param name="bytes">As they would stand in the file.</param>
    /// <param name="path">Where it came from, for messages.</param>
    /// <inheritdoc cref="Read(string)"/>
    internal static SKBitmap Read(byte[] bytes, string path)
    {
        using SKCodec codec = Open(bytes, path);
        SKImageInfo info = codec.Info;
        using var decoded = new SKBitmap(info.Width, info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        if (codec.GetPixels(decoded.Info, decoded.GetPixels()) is not SKCodecResult.Success)
            throw Broken(path, "is damaged or cut short");
        var opaque = new SKBitmap(info.Width, info.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(opaque);
        canvas.Clear(SKColors.White);
        canvas.DrawBitmap(decoded, 0, 0);
        return opaque;
    }

    /// <summary>The width and height that a file claims.</summary>
    /// <exception cref="AtelierException">It is no picture that can be read, or larger than <see cref="MostPixels"/>.</exception>
    internal static (int Width, int Height) Measure(byte[] bytes, string path)
    {
        using SKCodec codec = Open(bytes, path);
        return (codec.Info.Width, codec.Info.Height);
    }

    /// <summary>Whether every pixel is grey.</summary>
    internal static bool IsGrey(SKBitmap bitmap)
    {
        ReadOnlySpan<byte> pixels = bitmap.GetPixelSpan();
        for (int i = 0; i < pixels.Length; i += 4)
        {
            if (pixels[i] != pixels[i + 1] || pixels[i] != pixels[i + 2])
                return false;
        }
        return true;
    }

    /// <summary>Cuts the middle of the asked shape out of a picture and resizes it.</summary>
    /// <returns>Channels, then rows, then columns, 0 to 255.</returns>
    internal static byte[] Fit(SKBitmap bitmap, int width, int height, int channels, ResizeFilter filter)
    {
        double scale = Math.Min((double)bitmap.Width / width, (double)bitmap.Height / height);
        int cutWidth = Math.Max(1, (int)Math.Round(width * scale)), cutHeight = Math.Max(1, (int)Math.Round(height * scale));
        int left = (bitmap.Width - cutWidth) / 2, top = (bitmap.Height - cutHeight) / 2;
        ReadOnlySpan<byte> pixels = bitmap.GetPixelSpan();
        var fitted = new byte[channels * height * width];
        var cut = new float[cutHeight * cutWidth];
        for (int channel = 0; channel < channels; channel++)
        {
            for (int y = 0; y < cutHeight; y++)
            {
                for (int x = 0; x < cutWidth; x++)
                {
                    ReadOnlySpan<byte> pixel = pixels.Slice((((y + top) * bitmap.Width) + x + left) * 4, 4);
                    // Luma of ITU-R BT.601 where grey is asked for.
                    cut[(y * cutWidth) + x] = channels == 1 ? (0.299f * pixel[0]) + (0.587f * pixel[1]) + (0.114f * pixel[2]) : pixel[channel];
                }
            }
            float[] resized = PictureResizer.Resize(cut, cutWidth, cutHeight, width, height, filter);
            for (int i = 0; i < resized.Length; i++)
                fitted[(channel * height * width) + i] = (byte)Math.Clamp(MathF.Round(resized[i]), 0, 255);
        }
        return fitted;
    }

    /// <summary>A picture's own name, or the first pictures of a folder in the order of their names.</summary>
    internal static IReadOnlyList<string> Find(string path, int most) => Directory.Exists(path)
        ? [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(f => Formats.Contains(Path.GetExtension(f).TrimStart('.').ToLowerInvariant())).Order(StringComparer.Ordinal).Take(most)]
        : [path];

    /// <summary>Reads a picture, or those of a folder in the order of their names, in a model's size.</summary>
    /// <param name="path">A picture or a folder.</param>
    /// <param name="schema">What the model's pictures have in common.</param>
    /// <param name="most">Pictures that are read at the most.</param>
    /// <returns>Each: channels, then rows, then columns, 0 to 255.</returns>
    /// <exception cref="AtelierException">There is no picture, or one cannot be read.</exception>
    public static IReadOnlyList<byte[]> ReadAll(string path, ImageSchema schema, int most)
    {
        IReadOnlyList<string> files = Find(path, most);
        if (files.Count == 0)
            throw new AtelierException("there are no pictures", path, $"bring files named {string.Join(", ", Formats.Select(f => "." + f))}");
        return [.. files.Select(file =>
        {
            using SKBitmap bitmap = Read(file);
            return Fit(bitmap, schema.Width, schema.Height, schema.Channels, ResizeFilter.Triangle);
        })];
    }

    /// <summary>Writes a picture as PNG, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="pixels">Rows from the top, each pixel's channels together.</param>
    /// <param name="texts">Kept in the file as text, by name (Latin letters).</param>
    /// <exception cref="AtelierException">The place cannot be written.</exception>
    public static void WritePng(string path, int width, int height, int channels, ReadOnlySpan<byte> pixels,
        IReadOnlyDictionary<string, string>? texts = null)
    {
        byte[] png = EncodePng(width, height, channels, pixels, texts);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>The bytes of a picture as PNG.</summary>
    /// <inheritdoc cref="WritePng" path="/param[@name != 'path']"/>
    public static byte[] EncodePng(int width, int height, int channels, ReadOnlySpan<byte> pixels, IReadOnlyDictionary<string, string>? texts = null)
    {
        using var bitmap = new SKBitmap(width, height, channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
        Span<byte> target = bitmap.GetPixelSpan();
        for (int i = 0; i < width * height; i++)
        {
            if (channels == 1)
            {
                target[(i / width * bitmap.RowBytes) + (i % width)] = pixels[i];
                continue;
            }
            pixels.Slice(3 * i, 3).CopyTo(target[(4 * i)..]);
            target[(4 * i) + 3] = 255;
        }
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return PngTexts.Add(png.ToArray(), texts ?? new Dictionary<string, string>());
    }

    private static byte[] Bytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check the name", e);
        }
    }

    private static SKCodec Open(byte[] bytes, string path)
    {
        using var data = SKData.CreateCopy(bytes);
        SKCodec codec = SKCodec.Create(data) ?? throw Broken(path, "is no picture that can be read");
        if ((long)codec.Info.Width * codec.Info.Height <= MostPixels)
            return codec;
        SKImageInfo info = codec.Info;
        codec.Dispose();
        throw Broken(path, $"has {info.Width} × {info.Height} pixels, more than {MostPixels / 1_000_000} million");
    }

    private static AtelierException Broken(string path, string what) => new(what, path, "take it out, or save it again as PNG");
}
