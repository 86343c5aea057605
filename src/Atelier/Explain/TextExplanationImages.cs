using System.Globalization;
using Atelier.Abstractions;
using Atelier.Evaluation.Plots;
using SkiaSharp;

namespace Atelier.Explain;

/// <summary>
/// Draws explanations of texts: the effects of tokens, the heads of each layer, rollout, and the logit lens.
/// </summary>
public static class TextExplanationImages
{
    private const int HeadsInRow = 4;
    private const float HeadSize = 220, Gap = 16, TitleHeight = 26, TextSize = 12, SmallText = 10;

    /// <summary>Returns the images of an explanation as PNG.</summary>
    /// <param name="explanation">The explanation.</param>
    /// <param name="cancellation">Cancels before the next image.</param>
    public static IEnumerable<ExplanationImage> Of(TextExplanation explanation,
        CancellationToken cancellation = default)
    {
        if (explanation.Prediction is { Attributions.Count: > 0 } prediction)
            yield return new("effects.png", new TokenEffectsImage(explanation, prediction).Png());
        foreach (AttentionMap map in explanation.Attention)
        {
            string name = map.Kind.ToString().ToLowerInvariant();
            string[] queries = Names(map.Kind == AttentionKind.Text ? explanation.Tokens : explanation.Target);
            string[] keys = Names(map.Kind == AttentionKind.Target ? explanation.Target : explanation.Tokens);
            for (int layer = 0; layer < map.Weights.Count; layer++)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return new(string.Create(CultureInfo.InvariantCulture, $"attention-{name}-{layer + 1}.png"),
                    Heads(map, layer));
            }
            if (map.Rollout is { } rollout)
                yield return new($"rollout-{name}.png", new HeatMap("attention rollout: from rows to columns",
                    queries, keys, [.. rollout.Chunk(map.KeyCount).Select(Doubles)]).Png());
        }
        if (explanation.Lens.Count > 0)
        {
            string[] tokens =
                Names(explanation.Target.Count > 0 ? explanation.Target : explanation.Tokens);
            yield return new("lens.png", new HeatMap("logit lens: probability of the token that is there, by layer",
                [.. explanation.Lens.Select((_, layer) => layer.ToString(CultureInfo.InvariantCulture))], tokens,
                [.. explanation.Lens.Select(layer =>
                    (double[])[.. layer.Select(one => one.LogProbability is { } log ? Math.Exp(log) : 0)])]).Png());
        }
    }

    private static string[] Names(IReadOnlyList<ExplainedToken> tokens) =>
        [.. tokens.Select(token => NameOf(token.Text))];

    /// <summary>Returns the text of a token in one line.</summary>
    internal static string NameOf(string token) => token.Replace("\n", "⏎", StringComparison.Ordinal);

    private static double[] Doubles(float[] row) => [.. row.Select(value => (double)value)];

    /// <summary>Draws all heads of a layer, each as a square whose rows are queries.</summary>
    private static byte[] Heads(AttentionMap map, int layer)
    {
        int across = Math.Min(HeadsInRow, map.HeadCount), down = (map.HeadCount + across - 1) / across;
        float width = Gap + across * (HeadSize + Gap), height = TitleHeight + Gap + down * (HeadSize + Gap + TextSize);
        return Canvas.Png(width, height, canvas =>
        {
            Canvas.Write(canvas, string.Create(CultureInfo.InvariantCulture,
                $"attention of layer {layer + 1}: from rows to columns"), Gap, TitleHeight / 2 + 4, TextSize,
                Canvas.Ink);
            for (int head = 0; head < map.HeadCount; head++)
            {
                float left = Gap + head % across * (HeadSize + Gap),
                    top = TitleHeight + Gap + head / across * (HeadSize + Gap + TextSize);
                Canvas.Write(canvas, string.Create(CultureInfo.InvariantCulture, $"head {head + 1}"), left,
                    top - SmallText / 2, SmallText, Canvas.Ink);
                DrawHead(canvas, map, layer, head, SKRect.Create(left, top + 2, HeadSize, HeadSize));
            }
        });
    }

    private static void DrawHead(SKCanvas canvas, AttentionMap map, int layer, int head, SKRect place)
    {
        int size = map.QueryCount * map.KeyCount;
        using var bitmap = new SKBitmap(map.KeyCount, map.QueryCount);
        bitmap.Pixels = [.. map.Weights[layer].Skip(head * size).Take(size)
            .Select(weight => Canvas.Shade(Math.Sqrt(weight)))]; // makes small ones visible
        using var image = SKImage.FromBitmap(bitmap);
        canvas.DrawImage(image, place, new SKSamplingOptions(SKFilterMode.Nearest));
        using var frame = new SKPaint
        {
            Color = Canvas.Shade(0.4), Style = SKPaintStyle.Stroke, StrokeWidth = 1,
        };
        canvas.DrawRect(place, frame);
    }
}
