using SkiaSharp;

namespace Atelier.Evaluation.Plots;

/// <summary>Renders a drawing as SVG or as PNG.</summary>
internal static class Canvas
{
    private const float PixelsPerPoint = 2;

    /// <summary>The colour of text.</summary>
    public static SKColor Ink { get; } = new(0x1F, 0x3A, 0x5F);

    /// <summary>Returns the background colour of a table cell: darker for a larger share, 0 to 1.</summary>
    public static SKColor Shade(double share) => new SKColor(0x2F, 0x6C, 0xB5).WithAlpha((byte)(255 * share));

    /// <summary>Returns a colour in which text is readable on the shade of a share.</summary>
    public static SKColor InkOn(double share) => share > 0.55 ? SKColors.White : Ink;

    /// <summary>Returns the width of a text in points.</summary>
    public static float Measure(string text, float size)
    {
        using SKFont font = FontFor(text, size);
        return font.MeasureText(text);
    }

    /// <summary>Draws a text in one line.</summary>
    /// <param name="canvas">The canvas to draw on.</param>
    /// <param name="text">The text.</param>
    /// <param name="x">The horizontal position that the text is aligned to, in points.</param>
    /// <param name="middle">The vertical middle of the line, in points.</param>
    /// <param name="size">The font size in points.</param>
    /// <param name="color">The colour of the text.</param>
    /// <param name="align">The horizontal alignment.</param>
    public static void Write(SKCanvas canvas, string text, float x, float middle, float size, SKColor color,
        SKTextAlign align = SKTextAlign.Left)
    {
        using var paint = new SKPaint { Color = color, IsAntialias = true };
        using SKFont font = FontFor(text, size);
        canvas.DrawText(text, x, middle + (size * 0.35f), align, font, paint);
    }

    /// <summary>Returns a font that has the characters of a text.</summary>
    public static SKFont FontFor(string text, float size)
    {
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            if (rune.Value > 0x2FF && SKFontManager.Default.MatchCharacter(rune.Value) is { } face)
                return new SKFont(face, size);
        }
        return new SKFont(SKTypeface.Default, size);
    }

    /// <summary>Returns a drawing as SVG.</summary>
    public static byte[] Svg(float width, float height, Action<SKCanvas> draw)
    {
        using var stream = new MemoryStream();
        using (SKCanvas canvas = SKSvgCanvas.Create(SKRect.Create(width, height), stream))
            draw(canvas);
        return stream.ToArray();
    }

    /// <summary>Returns a drawing as PNG on white, with two pixels per point.</summary>
    public static byte[] Png(float width, float height, Action<SKCanvas> draw)
    {
        // A very large drawing is reduced instead of allocating gigabytes.
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
