using System.Globalization;
using Atelier.Evaluation.Plots;
using SkiaSharp;

namespace Atelier.Explain;

/// <summary>
/// Draws the heads of a model as a grid, a row for each layer: those that the model needs on blue, those without which
/// it would be better on orange, the more so the larger the change. I marks induction heads, P previous-token heads.
/// </summary>
public static class HeadRankingImage
{
    private const float Margin = 16, Left = 70, Top = 64, CellWidth = 64, CellHeight = 30;
    private const float TextSize = 12, SmallText = 10;
    private const int MostNumbered = 24; // more heads in a row show no numbers, and are narrow
    private static readonly SKColor Against = new(0xE0, 0x7B, 0x2A);

    /// <summary>Returns the image, heads.png.</summary>
    /// <param name="ranking">The heads.</param>
    public static Abstractions.ExplanationImage Of(HeadRanking ranking)
    {
        int layers = ranking.Heads.Max(one => one.Head.Layer) + 1, heads = ranking.Heads.Max(one => one.Head.Head) + 1;
        float cell = heads <= MostNumbered ? CellWidth : CellHeight;
        string title = "increase of the cross-entropy without a head, in nats/token; "
            + "I: induction head, P: previous-token head";
        float width = Math.Max(Left + (heads * cell), Margin + Canvas.Measure(title, TextSize)) + Margin;
        double largest = ranking.Heads.Max(one => Math.Abs(one.Increase.Value));
        return new("heads.png", Canvas.Png(width, Top + (layers * CellHeight) + Margin, canvas =>
        {
            Canvas.Write(canvas, title, Margin, Margin + 4, TextSize, Canvas.Ink);
            for (int head = 0; head < heads; head++)
                Canvas.Write(canvas, Number(head + 1), Left + ((head + 0.5f) * cell), Top - 12, SmallText, Canvas.Ink,
                    SKTextAlign.Center);
            for (int layer = 0; layer < layers; layer++)
                Canvas.Write(canvas, $"layer {Number(layer + 1)}", Left - 8, Top + ((layer + 0.5f) * CellHeight),
                    SmallText, Canvas.Ink, SKTextAlign.Right);
            foreach (RankedHead one in ranking.Heads)
                Draw(canvas, one, SKRect.Create(Left + (one.Head.Head * cell), Top + (one.Head.Layer * CellHeight),
                    cell - 1, CellHeight - 1), largest > 0 ? one.Increase.Value / largest : 0);
        }));
    }

    private static void Draw(SKCanvas canvas, RankedHead one, SKRect place, double share)
    {
        using var fill = new SKPaint
        {
            Color = share >= 0 ? Canvas.Shade(share) : Against.WithAlpha((byte)(255 * -share)), IsAntialias = false,
        };
        canvas.DrawRect(place, fill);
        using var frame = new SKPaint
        {
            Color = Canvas.Shade(0.4), Style = SKPaintStyle.Stroke, StrokeWidth = 1, IsAntialias = false,
        };
        canvas.DrawRect(place, frame);
        string mark = one.Name?[..1].ToUpperInvariant() ?? "";
        double shown = Math.Round(one.Increase.Value, 3) + 0.0; // a small negative number would be -0.000
        string text = place.Width < CellWidth - 1 ? mark : string.Create(CultureInfo.InvariantCulture,
            $"{mark} {shown:0.000}").TrimStart();
        Canvas.Write(canvas, text, place.MidX, place.MidY, SmallText, Canvas.InkOn(share), SKTextAlign.Center);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
