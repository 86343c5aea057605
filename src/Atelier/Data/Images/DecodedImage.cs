using Atelier.Recipes;
using SkiaSharp;

namespace Atelier.Data.Images;

/// <summary>
/// A decoded image, turned upright by its orientation tag (EXIF 2.3, tag 0x0112). It takes 4 bytes a pixel, and nothing
/// else of its size is allocated.
/// </summary>
internal sealed class DecodedImage : IDisposable
{
    /// <summary>Larger images are decoded one at a time, and at a smaller size if their format allows it.</summary>
    public const long BigPixels = 4_000_000;

    private const double SpareScale = 2; // an image is decoded at no less than this times the size that is needed

    private readonly SKBitmap _bitmap;
    private readonly SKEncodedOrigin _origin;

    private DecodedImage(SKBitmap bitmap, SKEncodedOrigin origin) => (_bitmap, _origin) = (bitmap, origin);

    /// <summary>Pixels across.</summary>
    public int Width => IsTurned(_origin) ? _bitmap.Height : _bitmap.Width;

    /// <summary>Pixels down.</summary>
    public int Height => IsTurned(_origin) ? _bitmap.Width : _bitmap.Height;

    /// <summary>Reads the width and height of an upright image from its header.</summary>
    /// <exception cref="AtelierException">It is not an image that can be read, or is larger than
    /// <see cref="ImageFiles.MostPixels"/>.</exception>
    public static (int Width, int Height) Measure(byte[] bytes, string path)
    {
        using SKCodec codec = Open(bytes, path);
        SKImageInfo info = codec.Info;
        return IsTurned(Origin(codec, bytes)) ? (info.Height, info.Width) : (info.Width, info.Height);
    }

    /// <summary>
    /// Decodes an image. Transparent pixels are blended with white; other depths and colour spaces are converted to 8
    /// bits a channel.
    /// </summary>
    /// <param name="bytes">The contents of the file.</param>
    /// <param name="path">The name of the file, for messages.</param>
    /// <param name="width">The width that is needed. A large image may be decoded at a smaller size, but at least at
    /// twice this.</param>
    /// <param name="height">The height that is needed.</param>
    /// <exception cref="AtelierException">The file is not an image that can be read, is damaged, or is larger than
    /// <see cref="ImageFiles.MostPixels"/>.</exception>
    public static DecodedImage Decode(byte[] bytes, string path, int width = int.MaxValue, int height = int.MaxValue)
    {
        using SKCodec codec = Open(bytes, path);
        SKEncodedOrigin origin = Origin(codec, bytes);
        (int across, int down) = IsTurned(origin) ? (height, width) : (width, height);
        SKSizeI size = SizeFor(codec, across, down);
        SKBitmap bitmap = Pixels(codec, size, path);
        if (codec.Info.AlphaType != SKAlphaType.Opaque)
            LayOnWhite(bitmap.GetPixelSpan());
        return new DecodedImage(bitmap, origin);
    }

    /// <summary>
    /// Decodes how transparent each pixel of an upright image is, from 0 where it covers all to 255, row by row; null
    /// where every pixel is opaque.
    /// </summary>
    /// <exception cref="AtelierException">The file is not an image that can be read, is damaged, or is larger than
    /// <see cref="ImageFiles.MostPixels"/>.</exception>
    public static byte[]? Transparency(byte[] bytes, string path)
    {
        using SKCodec codec = Open(bytes, path);
        if (codec.Info.AlphaType == SKAlphaType.Opaque)
            return null;
        using var image = new DecodedImage(Pixels(codec, codec.Info.Size, path), Origin(codec, bytes));
        ReadOnlySpan<byte> pixels = image._bitmap.GetPixelSpan();
        var values = new byte[image.Width * image.Height];
        for (int i = 0; i < values.Length; i++)
            values[i] = (byte)(255 - pixels[image.Place(i % image.Width, i / image.Width) + 3]);
        return values.AsSpan().ContainsAnyExcept((byte)0) ? values : null;
    }

    /// <summary>Whether every pixel is grey.</summary>
    public bool IsGrey()
    {
        ReadOnlySpan<byte> pixels = _bitmap.GetPixelSpan();
        for (int i = 0; i < pixels.Length; i += 4)
        {
            if (pixels[i] != pixels[i + 1] || pixels[i] != pixels[i + 2])
                return false;
        }
        return true;
    }

    /// <summary>Crops the centre of the image to an aspect ratio and resizes it.</summary>
    /// <returns>Channels, then rows, then columns, 0 to 255.</returns>
    public byte[] Fit(int width, int height, int channels, ResizeFilter filter)
    {
        double scale = Math.Min((double)Width / width, (double)Height / height);
        int cutWidth = Math.Max(1, (int)Math.Round(width * scale));
        int cutHeight = Math.Max(1, (int)Math.Round(height * scale));
        int left = (Width - cutWidth) / 2, top = (Height - cutHeight) / 2;
        var fitted = new byte[channels * height * width];
        for (int channel = 0; channel < channels; channel++)
        {
            int? only = channels == 1 ? null : channel;
            float[] resized = ImageResizer.Resize(
                (y, row) => Read(left, y + top, only, row), cutWidth, cutHeight, width, height, filter);
            for (int i = 0; i < resized.Length; i++)
                fitted[(channel * height * width) + i] = (byte)Math.Clamp(MathF.Round(resized[i]), 0, 255);
        }
        return fitted;
    }

    /// <inheritdoc/>
    public void Dispose() => _bitmap.Dispose();

    /// <summary>Reads pixels of a row: a channel, or the luma of ITU-R BT.601.</summary>
    private void Read(int x, int y, int? channel, Span<float> row)
    {
        ReadOnlySpan<byte> pixels = _bitmap.GetPixelSpan();
        int first = Place(x, y), step = Place(x + 1, y) - first;
        for (int i = 0; i < row.Length; i++)
        {
            ReadOnlySpan<byte> pixel = pixels.Slice(first + (i * step), 4);
            row[i] = channel is { } only
                ? pixel[only] : (0.299f * pixel[0]) + (0.587f * pixel[1]) + (0.114f * pixel[2]);
        }
    }

    /// <summary>Returns the position of a pixel of the upright image among the bytes.</summary>
    private int Place(int x, int y)
    {
        int right = _bitmap.Width - 1, bottom = _bitmap.Height - 1;
        (int column, int row) = _origin switch
        {
            SKEncodedOrigin.TopRight => (right - x, y),
            SKEncodedOrigin.BottomRight => (right - x, bottom - y),
            SKEncodedOrigin.BottomLeft => (x, bottom - y),
            SKEncodedOrigin.LeftTop => (y, x),
            SKEncodedOrigin.RightTop => (y, bottom - x),
            SKEncodedOrigin.RightBottom => (right - y, bottom - x),
            SKEncodedOrigin.LeftBottom => (right - y, x),
            _ => (x, y),
        };
        return ((row * _bitmap.Width) + column) * 4;
    }

    private static SKEncodedOrigin Origin(SKCodec codec, byte[] bytes) =>
        codec.EncodedFormat == SKEncodedImageFormat.Png ? PngOrientation.Read(bytes) : codec.EncodedOrigin;

    private static bool IsTurned(SKEncodedOrigin origin) => origin
        is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom
            or SKEncodedOrigin.LeftBottom;

    private static SKBitmap Pixels(SKCodec codec, SKSizeI size, string path)
    {
        var bitmap = new SKBitmap(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        if (codec.GetPixels(bitmap.Info, bitmap.GetPixels()) is SKCodecResult.Success)
            return bitmap;
        bitmap.Dispose();
        throw Broken(path, "is damaged or truncated");
    }

    private static SKSizeI SizeFor(SKCodec codec, int width, int height)
    {
        SKImageInfo info = codec.Info;
        if ((long)info.Width * info.Height <= BigPixels)
            return info.Size;
        double scale = Math.Min(1, Math.Max(SpareScale * width / info.Width, SpareScale * height / info.Height));
        SKSizeI scaled = codec.GetScaledDimensions((float)scale);
        return scaled.Width >= width && scaled.Height >= height ? scaled : info.Size;
    }

    private static void LayOnWhite(Span<byte> pixels)
    {
        for (int i = 0; i < pixels.Length; i += 4)
        {
            int alpha = pixels[i + 3];
            if (alpha == 255)
                continue;
            for (int c = i; c < i + 3; c++)
                pixels[c] = (byte)(255 - ((((255 - pixels[c]) * alpha) + 127) / 255));
            pixels[i + 3] = 255;
        }
    }

    private static SKCodec Open(byte[] bytes, string path)
    {
        using var data = SKData.CreateCopy(bytes);
        SKCodec codec = SKCodec.Create(data) ?? throw Broken(path, "is not an image in a supported format");
        if ((long)codec.Info.Width * codec.Info.Height <= ImageFiles.MostPixels)
            return codec;
        SKImageInfo info = codec.Info;
        codec.Dispose();
        throw Broken(path, $"has {info.Width} × {info.Height} pixels, "
            + $"more than {ImageFiles.MostPixels / 1_000_000} million");
    }

    private static AtelierException Broken(string path, string what) =>
        new(what, path, "remove it, or save it again as PNG");
}
