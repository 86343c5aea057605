using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Atelier.Tensors.Profiling;

/// <summary>The time of an operation, or of another part of a training step. Times are sums over all threads.</summary>
/// <param name="Path">The names of the enclosing operations, then the name of this one, such as "attention",
/// "linear".</param>
/// <param name="Calls">The mean number of calls in a step.</param>
/// <param name="ForwardMilliseconds">The mean time of the forward pass in a step; null for parts that have no backward
/// pass.</param>
/// <param name="BackwardMilliseconds">The mean time of the backward pass in a step; null for parts that have
/// none.</param>
/// <param name="Milliseconds">The mean time in a step.</param>
/// <param name="Share">The fraction of the steps' wall time, multiplied by the number of threads.</param>
public sealed record ProfileRow(
    IReadOnlyList<string> Path, double Calls, double? ForwardMilliseconds, double? BackwardMilliseconds,
        double Milliseconds, double Share);

/// <summary>A profile of training steps: the time that each operation takes.</summary>
public sealed record ProfileReport
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>The first profiled step, counted from 1 at the session's first step.</summary>
    public required int From { get; init; }

    /// <summary>The number of profiled steps.</summary>
    public required int Steps { get; init; }

    /// <summary>The number of training threads, over which times are summed.</summary>
    public required int Threads { get; init; }

    /// <summary>The mean wall time of a profiled step.</summary>
    public required double StepMilliseconds { get; init; }

    /// <summary>
    /// The median wall time of the steps just before, which were not profiled. The difference is the overhead of
    /// profiling. Null if there were none.
    /// </summary>
    public double? PlainStepMilliseconds { get; init; }

    /// <summary>The number of items that a step trains on.</summary>
    public long ItemsPerStep { get; init; }

    /// <summary>The name of the items.</summary>
    public string ItemUnit { get; init; } = "tokens";

    /// <summary>The fraction of the steps' wall time that is spent in named operations.</summary>
    public required double AccountedShare { get; init; }

    /// <summary>
    /// The operations. Each follows the operation that encloses it. The operations of the first level, together with
    /// the time outside of operations, add up to the whole time.
    /// </summary>
    public required IReadOnlyList<ProfileRow> Rows { get; init; }

    /// <summary>The path of the trace, for chrome://tracing and ui.perfetto.dev.</summary>
    public string TracePath { get; init; } = "";

    /// <summary>Formats the report as JSON, in camelCase.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, CamelCase);

    /// <summary>Formats the report as a table in plain text.</summary>
    public string ToText()
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        string[][] lines =
        [
            ["operation", "calls", "forward", "backward", "ms/step", "share"],
            .. Rows.Select(row => (string[])
            [
                new string(' ', 2 * (row.Path.Count - 1)) + row.Path[^1],
                row.Calls.ToString("0.#", invariant),
                row.ForwardMilliseconds?.ToString("0.000", invariant) ?? "",
                row.BackwardMilliseconds?.ToString("0.000", invariant) ?? "",
                row.Milliseconds.ToString("0.000", invariant),
                row.Share.ToString("0.0 %", invariant),
            ]),
            ["in no operation", "", "", "",
                ((1 - AccountedShare) * StepMilliseconds * Threads).ToString("0.000", invariant),
                (1 - AccountedShare).ToString("0.0 %", invariant)],
            ["step", "", "", "", (StepMilliseconds * Threads).ToString("0.000", invariant),
                1.0.ToString("0.0 %", invariant)],
        ];
        int[] widths =
            [.. Enumerable.Range(0, lines[0].Length).Select(column => lines.Max(line => line[column].Length))];
        var text = new StringBuilder();
        foreach (string[] line in lines)
        {
            if (line == lines[1] || line == lines[^2])
                text.Append('-', widths.Sum() + (2 * (widths.Length - 1))).Append('\n');
            text.AppendJoin("  ",
                line.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column])))
                .Append('\n');
        }
        text.Append(invariant, $"{Quantity.Of(Steps, "step")} from step {From}, {StepMilliseconds:0.00} ms each");
        if (PlainStepMilliseconds is { } plain)
            text.Append(invariant,
                $" ({plain:0.00} ms before profiling: {ItemsPerStep / plain * 1000:#,0} {ItemUnit}/s)");
        text.Append(invariant, $"; {AccountedShare:0.0 %} of the time is accounted for");
        if (Threads > 1)
            text.Append(invariant, $"; times are of {Quantity.Of(Threads, "thread")} together");
        return text.Append("\ntrace: ").Append(TracePath).Append(" (open it in chrome://tracing or ui.perfetto.dev)\n")
            .ToString();
    }
}
