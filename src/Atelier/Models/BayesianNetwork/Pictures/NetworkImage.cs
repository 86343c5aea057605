using Atelier.Evaluation.Plots;
using SkiaSharp;

namespace Atelier.Models.BayesianNetwork.Pictures;

/// <summary>Draws a network as boxes and arrows. The stronger an edge, the wider its arrow.</summary>
internal sealed class NetworkImage
{
    private const float Margin = 16;
    private const float BoxHeight = 30;
    private const float LayerHeight = 78;
    private const float TextSize = 14;
    private const float Padding = 11;
    private const float ArrowLength = 8;

    private static readonly SKColor Fill = new(0xE8, 0xF0, 0xFA);
    private static readonly SKColor Line = new(0x5B, 0x7B, 0xA6);

    private readonly DiscreteNetwork _network;
    private readonly LayeredLayout _layout;
    private readonly float[] _widths;
    private readonly Dictionary<(int, int), float> _strokes; // stroke width of each edge

    /// <summary>Lays out the image.</summary>
    /// <param name="network">The network.</param>
    /// <param name="edges">The strengths of its edges.</param>
    public NetworkImage(DiscreteNetwork network, IReadOnlyList<EdgeStrength> edges)
    {
        _network = network;
        _widths = [.. network.Variables.Select(v => Canvas.Measure(v.Name, TextSize) + (2 * Padding))];
        _layout = new LayeredLayout(network.Graph, [.. _widths.Select(w => (double)w)]);
        double most = edges.Count == 0 ? 0 : edges.Max(e => e.Information);
        _strokes = edges.ToDictionary(e => (e.Parent, e.Child),
            e => most > 0 ? 0.9f + (2.6f * (float)Math.Sqrt(e.Information / most)) : 1.2f);
    }

    private float Width => (float)_layout.Width + (2 * Margin);

    private float Height => ((_layout.LayerCount - 1) * LayerHeight) + BoxHeight + (2 * Margin);

    /// <summary>Renders the image as an SVG file.</summary>
    public byte[] Svg() => Canvas.Svg(Width, Height, Draw);

    /// <summary>Renders the image as a PNG file.</summary>
    public byte[] Png() => Canvas.Png(Width, Height, Draw);

    private static float Y(int layer) => Margin + (layer * LayerHeight) + (BoxHeight / 2);

    private void Draw(SKCanvas canvas)
    {
        foreach (((int parent, int child), List<(double X, int Layer)> route) in _layout.Ways)
            DrawEdge(canvas, parent, child, route);
        using var fill = new SKPaint { Color = Fill, IsAntialias = true };
        using var border =
            new SKPaint { Color = Line, IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 1.2f };
        for (int i = 0; i < _network.Variables.Count; i++)
        {
            float x = Margin + (float)_layout.X(i), y = Y(_layout.LayerOf(i));
            var box = SKRect.Create(x - (_widths[i] / 2), y - (BoxHeight / 2), _widths[i], BoxHeight);
            canvas.DrawRoundRect(box, 7, 7, fill);
            canvas.DrawRoundRect(box, 7, 7, border);
            Canvas.Write(canvas, _network.Variables[i].Name, x, y, TextSize, Canvas.Ink, SKTextAlign.Center);
        }
    }

    // From the lower side of the parent's box along the route to the upper side of the child's box.
    private void DrawEdge(SKCanvas canvas, int parent, int child, List<(double X, int Layer)> route)
    {
        float stroke = _strokes.GetValueOrDefault((parent, child), 1.2f);
        using var line = new SKPaint
        {
            Color = Line, IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = stroke,
            StrokeCap = SKStrokeCap.Round,
        };
        using var path = new SKPath();
        SKPoint[] points = [.. route.Select(p => new SKPoint(Margin + (float)p.X, Y(p.Layer)))];
        float head = ArrowLength + stroke;
        points[0] = new SKPoint(Port(points[0].X, points[1].X, _widths[parent]), points[0].Y + (BoxHeight / 2));
        points[^1] = new SKPoint(Port(points[^1].X, points[^2].X, _widths[child]), points[^1].Y - (BoxHeight / 2));
        SKPoint tip = points[^1], before = points[^2];
        // Arrow heads point along the route, so that several arrows into one box do not overlap.
        var direction = new SKPoint((tip.X - before.X) * 0.5f, tip.Y - before.Y);
        float length = (float)Math.Sqrt((direction.X * direction.X) + (direction.Y * direction.Y));
        direction = new SKPoint(direction.X / length, direction.Y / length);
        points[^1] = new SKPoint(tip.X - (direction.X * head), tip.Y - (direction.Y * head));
        // Cubic Hermite curves over y; the slope at each point is that from the point before to the point after.
        path.MoveTo(points[0]);
        for (int i = 1; i < points.Length; i++)
        {
            float third = (points[i].Y - points[i - 1].Y) / 3;
            float slope = i == points.Length - 1 ? direction.X / Math.Max(0.2f, direction.Y) : Slope(points, i);
            path.CubicTo(new SKPoint(points[i - 1].X + (Slope(points, i - 1) * third), points[i - 1].Y + third),
                new SKPoint(points[i].X - (slope * third), points[i].Y - third), points[i]);
        }
        canvas.DrawPath(path, line);
        DrawHead(canvas, tip, direction, head, stroke);
    }

    private static float Slope(SKPoint[] points, int i)
    {
        SKPoint from = points[Math.Max(0, i - 1)], to = points[Math.Min(points.Length - 1, i + 1)];
        return (to.X - from.X) / (to.Y - from.Y);
    }

    // Shifts an end of an edge a little towards the other end, within the box.
    private static float Port(float own, float other, float width) =>
        own + Math.Clamp((other - own) * 0.15f, (10 - width) / 2, (width - 10) / 2);

    private static void DrawHead(SKCanvas canvas, SKPoint tip, SKPoint direction, float length, float stroke)
    {
        float half = (length / 2.6f) + (stroke / 3);
        using var fill = new SKPaint { Color = Line, IsAntialias = true };
        using var head = new SKPath();
        var foot = new SKPoint(tip.X - (direction.X * length), tip.Y - (direction.Y * length));
        head.MoveTo(tip);
        head.LineTo(foot.X - (direction.Y * half), foot.Y + (direction.X * half));
        head.LineTo(foot.X + (direction.Y * half), foot.Y - (direction.X * half));
        head.Close();
        canvas.DrawPath(head, fill);
    }
}
