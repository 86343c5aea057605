using SkiaSharp;

namespace Atelier.Models.BayesianNetwork.Pictures;

/// <summary>One drawing, written as SVG or as PNG.</summary>
internal static class Canvas
{
    private const float PixelsPerPoint = 2;

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
