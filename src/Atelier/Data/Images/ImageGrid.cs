using Atelier.Formats;

namespace Atelier.Data.Images;

/// <summary>Arranges images of one size in a grid.</summary>
public static class ImageGrid
{
    private const int Gap = 2; // pixels between images
    private const byte Ground = 128;

    /// <summary>Arranges images in rows.</summary>
    /// <param name="width">The width of an image.</param>
    /// <param name="height">The height of an image.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="images">The images: rows from the top, with interleaved channels.</param>
    /// <param name="columns">The number of images in a row; null makes the grid nearly square.</param>
    /// <returns>The grid's width, height and pixels.</returns>
    public static (int Width, int Height, byte[] Pixels) Lay(int width, int height, int channels,
        IReadOnlyList<ReadOnlyMemory<byte>> images, int? columns = null)
    {
        int across = columns
            ?? Math.Max(1, (int)Math.Ceiling(Math.Sqrt(images.Count))), rows = (images.Count + across - 1) / across;
        int wide = (across * (width + Gap)) - Gap, tall = (rows * (height + Gap)) - Gap;
        var pixels = new byte[wide * tall * channels];
        pixels.AsSpan().Fill(Ground);
        for (int i = 0; i < images.Count; i++)
        {
            int left = i % across * (width + Gap), top = i / across * (height + Gap);
            for (int y = 0; y < height; y++)
            {
                images[i].Span.Slice(y * width * channels, width * channels)
                    .CopyTo(pixels.AsSpan((((top + y) * wide) + left) * channels));
            }
        }
        return (wide, tall, pixels);
    }

    /// <summary>Writes a grid as a PNG file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="schema">The size, channels and classes of the images.</param>
    /// <param name="images">The images: rows from the top, with interleaved channels.</param>
    /// <param name="texts">Texts to store in the file, by name.</param>
    /// <param name="columns">As in <see cref="Lay"/>.</param>
    /// <exception cref="AtelierException">The file or folder cannot be written.</exception>
    public static void Write(string path, ImageSchema schema, IReadOnlyList<ReadOnlyMemory<byte>> images,
        IReadOnlyDictionary<string, string>? texts = null, int? columns = null)
    {
        byte[] png = Encode(schema, images, texts, columns);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Encodes a grid as PNG.</summary>
    /// <inheritdoc cref="Write" path="/param[@name != 'path']"/>
    public static byte[] Encode(ImageSchema schema, IReadOnlyList<ReadOnlyMemory<byte>> images,
        IReadOnlyDictionary<string, string>? texts = null, int? columns = null)
    {
        (int width, int height, byte[] pixels) = Lay(schema.Width, schema.Height, schema.Channels, images, columns);
        return ImageFiles.EncodePng(width, height, schema.Channels, pixels, texts);
    }
}
