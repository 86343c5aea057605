using SkiaSharp;

namespace Atelier.Evaluation.Plots;

/// <summary>One drawing, written as SVG or as PNG.</summary>
internal static class Canvas
{
    private const float PixelsPerPoint = 2;

    /// <summary>The colour of letters.</summary>
    public static SKColor Ink { get; } = new(0x1F, 0x3A, 0x5F);

    /// <summary>The colour of a table's cell: the darker the greater its share is, from 0 to 1.</summary>
    public static SKColor Shade(double share) => new SKColor(0x2F, 0x6C, 0xB5).WithAlpha((byte)(255 * share));

    /// <summary>A colour in which letters are read on a shade.</summary>
    public static SKColor InkOn(double share) => share > 0.55 ? SKColors.White : Ink;

    /// <summary>How broad a text is.</summary>
    public static float Measure(string text, float size)
    {
        using SKFont font = FontFor(text, size);
        return font.MeasureText(text);
    }

    /// <summary>Writes a text next to or centred on a place, in the middle of a row.</summary>
    public static void Write(SKCanvas canvas, string text, float x, float middle, float size, SKColor color,
        SKTextAlign align = SKTextAlign.Left)
    {
        using var paint = new SKPaint { Color = color, IsAntialias = true };
        using SKFont font = FontFor(text, size);
        canvas.DrawText(text, x, middle + (size * 0.35f), align, font, paint);
    }

    /// <summary>The letters of a text, with a typeface that has them.</summary>
    public static SKFont FontFor(string text, float size)
    {
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            if (rune.Value > 0x2FF && SKFontManager.Default.MatchCharacter(rune.Value) is { } face)
                return new SKFont(face, size);
        }
        return new SKFont(SKTypeface.Default, size);
    }

    /// <summary>The drawing as SVG.</summary>
    public static byte[] Svg(float width, float height, Action<SKCanvas> draw)
    {
        using var stream = new MemoryStream();
        using (SKCanvas canvas = SKSvgCanvas.Create(SKRect.Create(width, height), stream))
            draw(canvas);
        return stream.ToArray();
    }

    /// <summary>The drawing as PNG on white, two pixels a point.</summary>
    public static byte[] Png(float width, float height, Action<SKCanvas> draw)
    {
        // Very wide networks shrink instead of asking for gigabytes.
        float scale = Math.Min(PixelsPerPoint, 8000 / Math.Max(width, height));
        using var bitmap = new SKBitmap((int)Math.Ceiling(width * scale), (int)Math.Ceiling(height * scale));
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(SKColors.White);
            canvas.Scale(scale);
            draw(canvas);
        }
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
