using System.Globalization;
using Atelier.Evaluation.Plots;
using SkiaSharp;

namespace Atelier.Models.BayesianNetwork.Pictures;

/// <summary>
/// Draws a variable's table: one row for each combination of its parents' states, one cell for each probability. The
/// higher the probability, the darker the cell.
/// </summary>
internal sealed class TableImage
{
    private const int MostRows = 64;
    private const int MostStates = 24;
    private const float Margin = 14;
    private const float RowHeight = 22;
    private const float TextSize = 12;
    private const float Padding = 8;

    private readonly DiscreteNetwork _network;
    private readonly int _variable;
    private readonly List<string[]> _rows = []; // headings first
    private readonly float[] _widths;
    private readonly int _parents;
    private readonly int _states;
    private readonly string _title;

    /// <summary>Lays out the image.</summary>
    /// <param name="network">The network.</param>
    /// <param name="variable">The index of the variable.</param>
    public TableImage(DiscreteNetwork network, int variable)
    {
        (_network, _variable) = (network, variable);
        Variable own = network.Variables[variable];
        IReadOnlyList<int> parents = network.Graph.Parents(variable);
        _parents = parents.Count;
        _states = Math.Min(MostStates, own.States.Count);
        string[] names = [.. parents.Select(p => network.Variables[p].Name)];
        int rows = Math.Min(MostRows, network.RowsOf(variable));
        string given = names.Length > 0 ? " | " + string.Join(", ", names) : "";
        int all = network.RowsOf(variable);
        string shown = rows == all ? ""
            : string.Create(CultureInfo.InvariantCulture, $", {rows} of {Quantity.Of(all, "row")}");
        _title = $"P({own.Name}{given}){shown}";
        _rows.Add([.. names, .. own.States.Take(_states)]);
        for (int row = 0; row < rows; row++)
        {
            IEnumerable<string> cells = Enumerable.Range(0, _states)
                .Select(s => Cell(row, s).ToString("0.000", CultureInfo.InvariantCulture));
            _rows.Add([.. BifFile.StatesAt(network, parents, row), .. cells]);
        }
        _widths = [.. Enumerable.Range(0, _parents + _states).Select(column =>
            Math.Max(column < _parents ? 0 : 46, _rows.Max(r => Measure(r[column])) + (2 * Padding)))];
    }

    private float Width => Math.Max(_widths.Sum(), Measure(_title)) + (2 * Margin);

    private float Height => ((_rows.Count + 1) * RowHeight) + (2 * Margin);

    /// <summary>Renders the image as an SVG file.</summary>
    public byte[] Svg() => Canvas.Svg(Width, Height, Draw);

    /// <summary>Renders the image as a PNG file.</summary>
    public byte[] Png() => Canvas.Png(Width, Height, Draw);

    private double Cell(int row, int state) => _network.Table(_variable)[(row * _network.StatesOf(_variable)) + state];

    private static float Measure(string text) => Canvas.Measure(text, TextSize);

    private void Draw(SKCanvas canvas)
    {
        Write(canvas, _title, Margin, Margin, Canvas.Ink);
        using var paint = new SKPaint { IsAntialias = false };
        for (int row = 0; row < _rows.Count; row++)
        {
            float x = Margin, y = Margin + ((row + 1) * RowHeight);
            for (int column = 0; column < _widths.Length; column++)
            {
                bool isCell = row > 0 && column >= _parents;
                double p = isCell ? Cell(row - 1, column - _parents) : 0;
                if (isCell)
                {
                    paint.Color = Canvas.Shade(p);
                    canvas.DrawRect(SKRect.Create(x + 1, y + 1, _widths[column] - 2, RowHeight - 2), paint);
                }
                Write(canvas, _rows[row][column], x + Padding, y, Canvas.InkOn(p));
                x += _widths[column];
            }
        }
        using var line = new SKPaint { Color = Canvas.Ink, StrokeWidth = 1 };
        canvas.DrawLine(Margin, Margin + (2 * RowHeight), Margin + _widths.Sum(), Margin + (2 * RowHeight), line);
    }

    private static void Write(SKCanvas canvas, string text, float x, float y, SKColor color) =>
        Canvas.Write(canvas, text, x, y + (RowHeight / 2), TextSize, color);
}
