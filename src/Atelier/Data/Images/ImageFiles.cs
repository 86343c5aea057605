using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Recipes;
using SkiaSharp;

namespace Atelier.Data.Images;

/// <summary>Images in files: read as grey or colour of a size, and written as PNG.</summary>
public static class ImageFiles
{
    /// <summary>The most pixels that a file may claim; a larger one is not unpacked.</summary>
    public const long MostPixels = 100_000_000;

    internal static IReadOnlyList<string> Formats { get; } = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

    /// <summary>
    /// Reads an image upright, cuts the middle of the asked shape out of it, and resizes it. What is transparent is
    /// laid on white; of a GIF the first frame is taken; other depths and colour spaces become 8 bits a channel.
    /// </summary>
    /// <param name="path">PNG, JPEG, WebP, GIF or BMP.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="channels">1 for grey, 3 for red, green and blue.</param>
    /// <param name="filter">The filter of resizing.</param>
    /// <returns>Channels, then rows, then columns, 0 to 255.</returns>
    /// <exception cref="AtelierException">The file is no image that can be read, damaged, or larger than
    /// <see cref="MostPixels"/>.</exception>
    public static byte[] Read(string path, int width, int height, int channels,
        ResizeFilter filter = ResizeFilter.Triangle) => Decode(Load(path), width, height, channels, filter);

    /// <summary>Decodes an image as <see cref="Read"/> does a file.</summary>
    /// <param name="image">The image.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="channels">1 for grey, 3 for red, green and blue.</param>
    /// <param name="filter">The filter of resizing.</param>
    /// <returns>Channels, then rows, then columns, 0 to 255.</returns>
    /// <exception cref="AtelierException">It is no image that can be read, damaged, or larger than
    /// <see cref="MostPixels"/>.</exception>
    public static byte[] Decode(InputImage image, int width, int height, int channels,
        ResizeFilter filter = ResizeFilter.Triangle)
    {
        using var image = DecodedImage.Decode(image.Content.ToArray(), image.Name, width, height);
        return image.Fit(width, height, channels, filter);
    }

    /// <summary>The width and height that an image claims, upright.</summary>
    /// <exception cref="AtelierException">It is no image that can be read, or larger than
    /// <see cref="MostPixels"/>.</exception>
    internal static (int Width, int Height) Measure(InputImage image) =>
        DecodedImage.Measure(image.Content.ToArray(), image.Name);

    /// <summary>Loads an image for a request; nothing is decoded yet.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="AtelierException">The file cannot be read.</exception>
    public static InputImage Load(string path) => new(Bytes(path), path);

    /// <summary>Loads an image, or those of a folder in the order of their names.</summary>
    /// <param name="path">A file or a folder.</param>
    /// <param name="most">Images that are loaded at the most.</param>
    /// <exception cref="AtelierException">A file cannot be read.</exception>
    public static IReadOnlyList<InputImage> LoadAll(string path, int most) => [.. Find(path, most).Select(Load)];

    private static IReadOnlyList<string> Find(string path, int most) => Directory.Exists(path)
        ? [.. SourceFolder.Files(path)
            .Where(f => Formats.Contains(Path.GetExtension(f).TrimStart('.').ToLowerInvariant())).Take(most)]
        : [path];

    /// <summary>Reads an image, or those of a folder in the order of their names, in a model's size.</summary>
    /// <param name="path">An image or a folder.</param>
    /// <param name="schema">What the model's images have in common.</param>
    /// <param name="most">Images that are read at the most.</param>
    /// <returns>Each: channels, then rows, then columns, 0 to 255.</returns>
    /// <exception cref="AtelierException">There is no image, or one cannot be read.</exception>
    public static IReadOnlyList<byte[]> ReadAll(string path, ImageSchema schema, int most)
    {
        IReadOnlyList<string> files = Find(path, most);
        if (files.Count == 0)
            throw new AtelierException("there are no pictures", path,
                $"bring files named {string.Join(", ", Formats.Select(f => "." + f))}");
        return [.. files.Select(file => Read(file, schema.Width, schema.Height, schema.Channels))];
    }

    /// <summary>Writes an image as PNG, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="pixels">Rows from the top, each pixel's channels together.</param>
    /// <param name="texts">Kept in the file as text, by name (Latin letters).</param>
    /// <exception cref="AtelierException">The file or folder cannot be written.</exception>
    public static void WritePng(string path, int width, int height, int channels, ReadOnlySpan<byte> pixels,
        IReadOnlyDictionary<string, string>? texts = null)
    {
        byte[] png = EncodePng(width, height, channels, pixels, texts);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>The bytes of an image as PNG.</summary>
    /// <inheritdoc cref="WritePng" path="/param[@name != 'path']"/>
    public static byte[] EncodePng(int width, int height, int channels, ReadOnlySpan<byte> pixels,
        IReadOnlyDictionary<string, string>? texts = null)
    {
        using var bitmap =
            new SKBitmap(width, height, channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
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
            return InputFile.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check the name", e);
        }
    }
}
