using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Recipes;
using SkiaSharp;

namespace Atelier.Data.Images;

/// <summary>Reads image files, resized to grey or colour, and writes PNG files.</summary>
public static class ImageFiles
{
    /// <summary>The largest number of pixels of an image; larger ones are not decoded.</summary>
    public const long MostPixels = 100_000_000;

    internal static IReadOnlyList<string> Formats { get; } = ["png", "jpg", "jpeg", "jfif", "webp", "gif", "bmp"];

    /// <summary>
    /// Reads an image, turns it upright, crops its centre to the aspect ratio, and resizes it. Transparent pixels are
    /// blended with white, the first frame of a GIF is taken, and other depths and colour spaces become 8 bits a
    /// channel.
    /// </summary>
    /// <param name="path">PNG, JPEG, WebP, GIF or BMP.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="channels">1 for grey, 3 for red, green and blue.</param>
    /// <param name="filter">The resampling filter.</param>
    /// <returns>Channels, then rows, then columns, 0 to 255.</returns>
    /// <exception cref="AtelierException">The file is not an image that can be read, is damaged, or is larger than
    /// <see cref="MostPixels"/>.</exception>
    public static byte[] Read(string path, int width, int height, int channels,
        ResizeFilter filter = ResizeFilter.Triangle) => Decode(Load(path), width, height, channels, filter);

    /// <summary>Decodes an image as <see cref="Read"/> does a file.</summary>
    /// <param name="image">The image.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="channels">1 for grey, 3 for red, green and blue.</param>
    /// <param name="filter">The resampling filter.</param>
    /// <returns>Channels, then rows, then columns, 0 to 255.</returns>
    /// <exception cref="AtelierException">It is not an image that can be read, is damaged, or is larger than
    /// <see cref="MostPixels"/>.</exception>
    public static byte[] Decode(InputImage image, int width, int height, int channels,
        ResizeFilter filter = ResizeFilter.Triangle)
    {
        using var decoded = DecodedImage.Decode(image.Content.ToArray(), image.Name, width, height);
        return decoded.Fit(width, height, channels, filter);
    }

    /// <summary>Reads the width and height of an upright image from its header.</summary>
    /// <exception cref="AtelierException">It is not an image that can be read, or is larger than
    /// <see cref="MostPixels"/>.</exception>
    public static (int Width, int Height) Measure(InputImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return DecodedImage.Measure(image.Content.ToArray(), image.Name);
    }

    /// <summary>
    /// Returns a mask for inpainting (<see cref="SamplingOptions.Mask"/>) that is as white as an image is transparent.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <returns>The mask, as large as the upright image; null if every pixel is opaque.</returns>
    /// <exception cref="AtelierException">It is not an image that can be read, is damaged, or is larger than
    /// <see cref="MostPixels"/>.</exception>
    public static InputImage? TransparencyMask(InputImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (DecodedImage.Transparency(image.Content.ToArray(), image.Name) is not { } values)
            return null;
        (int width, int height) = Measure(image);
        return new InputImage(EncodePng(width, height, channels: 1, values), image.Name);
    }

    /// <summary>Loads an image for a request; nothing is decoded yet.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="AtelierException">The file cannot be read.</exception>
    public static InputImage Load(string path) => new(InputFile.Load(path), path);

    /// <summary>Loads an image, or those of a folder sorted by name.</summary>
    /// <param name="path">A file or a folder.</param>
    /// <param name="most">The largest number of images to load.</param>
    /// <exception cref="AtelierException">A file cannot be read.</exception>
    public static IReadOnlyList<InputImage> LoadAll(string path, int most) => [.. Find(path, most).Select(Load)];

    private static IReadOnlyList<string> Find(string path, int most) => Directory.Exists(path)
        ? [.. SourceFolder.Files(path)
            .Where(f => Formats.Contains(Path.GetExtension(f).TrimStart('.').ToLowerInvariant())).Take(most)]
        : [path];

    /// <summary>Reads an image, or those of a folder sorted by name, and resizes them for a model.</summary>
    /// <param name="path">An image or a folder.</param>
    /// <param name="schema">The size and channels to resize to.</param>
    /// <param name="most">The largest number of images to read.</param>
    /// <returns>The images: channels, then rows, then columns, 0 to 255.</returns>
    /// <exception cref="AtelierException">There is no image, or one cannot be read.</exception>
    public static IReadOnlyList<byte[]> ReadAll(string path, ImageSchema schema, int most)
    {
        IReadOnlyList<string> files = Find(path, most);
        if (files.Count == 0)
            throw new AtelierException("there are no images", path,
                $"provide files named {string.Join(", ", Formats.Select(f => "." + f))}");
        return [.. files.Select(file => Read(file, schema.Width, schema.Height, schema.Channels))];
    }

    /// <summary>Writes an image as a PNG file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="pixels">The pixels: rows from the top, with interleaved channels.</param>
    /// <param name="texts">Texts to store in the file, by name in Latin letters.</param>
    /// <exception cref="AtelierException">The file or folder cannot be written.</exception>
    public static void WritePng(string path, int width, int height, int channels, ReadOnlySpan<byte> pixels,
        IReadOnlyDictionary<string, string>? texts = null)
    {
        byte[] png = EncodePng(width, height, channels, pixels, texts);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Encodes an image as PNG.</summary>
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
}
