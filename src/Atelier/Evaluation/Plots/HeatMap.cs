using System.Globalization;
using SkiaSharp;

namespace Atelier.Evaluation.Plots;

/// <summary>
/// Draws a matrix of probabilities as a grid of cells: the higher the probability, the darker the cell. Matrices with
/// few columns also show the numbers.
/// </summary>
internal sealed class HeatMap
{
    private const int MostNumbered = 24; // wider matrices show no numbers
    private const float Margin = 14;
    private const float RowHeight = 22;
    private const float TextSize = 12;
    private const float SmallText = 9;
    private const float Padding = 8;
    private const float HeatSize = 900; // height of all cells together, where they show no numbers

    private readonly string _title;
    private readonly IReadOnlyList<string> _rows;
    private readonly IReadOnlyList<string> _columns;
    private readonly IReadOnlyList<double[]> _cells;
    private readonly bool _numbered;
    private readonly float _text;
    private readonly float _left; // left edge of the cells
    private readonly float _cellWidth;
    private readonly float _cellHeight;

    /// <summary>Lays out the image.</summary>
    /// <param name="title">The title.</param>
    /// <param name="rows">The names of the rows.</param>
    /// <param name="columns">The names of the columns.</param>
    /// <param name="cells">[row][column]: the probabilities.</param>
    public HeatMap(string title, IReadOnlyList<string> rows, IReadOnlyList<string> columns,
        IReadOnlyList<double[]> cells)
    {
        (_title, _rows, _columns, _cells) = (title, rows, columns, cells);
        _numbered = columns.Count <= MostNumbered;
        _text = _numbered ? TextSize : SmallText;
        _left = Margin + rows.Max(r => Canvas.Measure(r, _text)) + Padding;
        _cellHeight = _numbered ? RowHeight : Math.Clamp(HeatSize / columns.Count, 2, 16);
        _cellWidth = _numbered ? Math.Max(44, columns.Max(c => Canvas.Measure(c, _text)) + Padding) : _cellHeight;
    }

    private static float Top => Margin + (2 * RowHeight);

    private float Width =>
        Math.Max(_left + (_columns.Count * _cellWidth), Margin + Canvas.Measure(_title, TextSize)) + Margin;

    private float Height => Top + (_rows.Count * _cellHeight) + Margin;

    /// <summary>Whether a line separates the first row from the others.</summary>
    public bool SeparatesFirstRow { get; init; }

    /// <summary>Renders the image as an SVG file.</summary>
    public byte[] Svg() => Canvas.Svg(Width, Height, Draw);

    /// <summary>Renders the image as a PNG file.</summary>
    public byte[] Png() => Canvas.Png(Width, Height, Draw);

    private void Draw(SKCanvas canvas)
    {
        Canvas.Write(canvas, _title, Margin, Margin + (RowHeight / 2), TextSize, Canvas.Ink);
        // Where cells are smaller than letters, only every so many rows and columns are labelled.
        int everyColumn = Every(_columns.Max(c => Canvas.Measure(c, _text)) + 4, _cellWidth);
        int everyRow = Every(_text + 2, _cellHeight);
        for (int column = 0; column < _columns.Count; column += everyColumn)
        {
            Canvas.Write(canvas, _columns[column], X(column) + (_cellWidth / 2), Margin + (1.5f * RowHeight), _text,
                Canvas.Ink, SKTextAlign.Center);
        }
        for (int row = 0; row < _rows.Count; row++)
        {
            // a separate first row is always labelled
            int place = SeparatesFirstRow ? row - 1 : row;
            if (place < 0 || (place % everyRow == 0 && (place > 0 || everyRow == 1 || !SeparatesFirstRow)))
                Canvas.Write(canvas, _rows[row], _left - Padding, Y(row) + (_cellHeight / 2), _text, Canvas.Ink,
                    SKTextAlign.Right);
            for (int column = 0; column < _columns.Count; column++)
                DrawCell(canvas, row, column);
        }
        if (!SeparatesFirstRow)
            return;
        using var line = new SKPaint { Color = Canvas.Ink, StrokeWidth = 1 };
        canvas.DrawLine(_left, Y(1), X(_columns.Count), Y(1), line);
    }

    private void DrawCell(SKCanvas canvas, int row, int column)
    {
        double probability = _cells[row][column], shade = Math.Sqrt(probability); // makes small ones visible
        float gap = _cellHeight >= 8 ? 1 : 0;
        using var paint = new SKPaint { Color = Canvas.Shade(shade), IsAntialias = false };
        if (probability > 0)
            canvas.DrawRect(SKRect.Create(X(column), Y(row), _cellWidth - gap, _cellHeight - gap), paint);
        if (_numbered && probability >= 5e-4)
        {
            Canvas.Write(canvas, probability.ToString("0.000", CultureInfo.InvariantCulture),
                X(column) + (_cellWidth / 2), Y(row) + (_cellHeight / 2), TextSize - 1, Canvas.InkOn(shade),
                SKTextAlign.Center);
        }
    }

    private static int Every(float needed, float available) => (int)Math.Ceiling(needed / available);

    private float X(int column) => _left + (column * _cellWidth);

    private float Y(int row) => Top + (row * _cellHeight);
}
