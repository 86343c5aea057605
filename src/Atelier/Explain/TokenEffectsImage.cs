using System.Globalization;
using Atelier.Abstractions;
using Atelier.Evaluation.Plots;
using SkiaSharp;

namespace Atelier.Explain;

/// <summary>
/// Draws the effects of tokens on a prediction, a paragraph for each method: tokens that make it more probable on blue,
/// those that make it less probable on orange, the more so the larger the effect.
/// </summary>
internal sealed class TokenEffectsImage(TextExplanation explanation, ExplainedPrediction prediction)
{
    private const float Width = 760, Margin = 16, LineHeight = 24, TextSize = 13, Padding = 3;
    private static readonly SKColor Against = new(0xE0, 0x7B, 0x2A);

    /// <summary>Renders the image as a PNG file.</summary>
    public byte[] Png()
    {
        float height = Margin + prediction.Attributions.Sum(one => Draw(null, one, 0)) + Margin;
        return Canvas.Png(Width, height, canvas =>
        {
            float top = Margin;
            foreach (Attribution attribution in prediction.Attributions)
                top += Draw(canvas, attribution, top);
        });
    }

    /// <summary>Draws a paragraph, or only measures it if there is no canvas, and returns its height.</summary>
    private float Draw(SKCanvas? canvas, Attribution attribution, float top)
    {
        double largest = attribution.Tokens.Select(one => Math.Abs(one.Effect)).Where(double.IsFinite)
            .DefaultIfEmpty(0).Max();
        var effects = attribution.Tokens.ToDictionary(one => (one.IsTarget, one.Position), one => one.Effect);
        string name = TextExplanationJson.NameOf(attribution.Method).Replace('-', ' ');
        string predicted = TextExplanationImages.NameOf(prediction.Token.Text);
        (float x, float line) = (Margin, top + (LineHeight / 2));
        Write(string.Create(CultureInfo.InvariantCulture,
            $"{name}: why '{predicted}'? The darkest is {largest:0.000} nats"), Canvas.Ink);
        NextLine();
        Tokens(explanation.Tokens, isTarget: false);
        if (explanation.Target.Count > 0)
        {
            NextLine();
            Tokens(explanation.Target, isTarget: true);
        }
        return line + LineHeight - top;

        void NextLine() => (x, line) = (Margin, line + LineHeight);

        void Write(string text, SKColor color)
        {
            if (canvas is not null)
                Canvas.Write(canvas, text, x, line, TextSize, color);
        }

        void Tokens(IReadOnlyList<ExplainedToken> tokens, bool isTarget)
        {
            for (int i = 0; i < tokens.Count; i++)
            {
                string text = TextExplanationImages.NameOf(tokens[i].Text);
                float width = Canvas.Measure(text, TextSize) + (2 * Padding);
                if (x + width > Width - Margin)
                    NextLine();
                bool isExplained = isTarget == explanation.Target.Count > 0 && i == prediction.Position;
                effects.TryGetValue((isTarget, i), out double effect);
                Box(width, largest > 0 ? Math.Clamp(effect / largest, -1, 1) : 0, isExplained);
                x += Padding;
                Write(text, effects.ContainsKey((isTarget, i)) || isExplained
                    ? Canvas.InkOn(largest > 0 ? effect / largest : 0) : Canvas.Ink.WithAlpha(0x80));
                x += width - Padding + 1;
            }
        }

        void Box(float width, double share, bool isFramed)
        {
            using var fill = new SKPaint
            {
                Color = share >= 0 ? Canvas.Shade(share) : Against.WithAlpha((byte)(255 * -share)),
            };
            SKRect box = SKRect.Create(x, line - (LineHeight / 2) + 1, width, LineHeight - 2);
            canvas?.DrawRect(box, fill);
            if (!isFramed)
                return;
            using var frame = new SKPaint { Color = Canvas.Ink, Style = SKPaintStyle.Stroke, StrokeWidth = 1.5f };
            canvas?.DrawRect(box, frame);
        }
    }
}
