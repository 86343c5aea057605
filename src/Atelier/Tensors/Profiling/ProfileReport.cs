using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Atelier.Tensors.Profiling;

/// <summary>An operation in a profile, or a part of a step.</summary>
/// <param name="Path">Its name after those of the operations around it: "attention", "linear".</param>
/// <param name="Calls">Calls a step, of all threads.</param>
/// <param name="ForwardMilliseconds">A step's time going forward, of all threads; null for parts that have no backward
/// pass.</param>
/// <param name="BackwardMilliseconds">A step's time going backward, of all threads; null for parts that have
/// none.</param>
/// <param name="Milliseconds">A step's time, of all threads.</param>
/// <param name="Share">Of the steps' wall time on all threads.</param>
public sealed record ProfileRow(
    IReadOnlyList<string> Path, double Calls, double? ForwardMilliseconds, double? BackwardMilliseconds,
        double Milliseconds, double Share);

/// <summary>Where the time of a training step goes.</summary>
public sealed record ProfileReport
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>The first step profiled, counted from the session's first.</summary>
    public required int From { get; init; }

    /// <summary>Steps profiled.</summary>
    public required int Steps { get; init; }

    /// <summary>Threads that learned. Times are of all of them together.</summary>
    public required int Threads { get; init; }

    /// <summary>The mean wall time of a profiled step.</summary>
    public required double StepMilliseconds { get; init; }

    /// <summary>
    /// The median wall time of the steps just before, which were not profiled: the difference is what profiling itself
    /// costs. Null where there were none.
    /// </summary>
    public double? PlainStepMilliseconds { get; init; }

    /// <summary>Items that a step learns from.</summary>
    public long ItemsPerStep { get; init; }

    /// <summary>What they are.</summary>
    public string ItemUnit { get; init; } = "tokens";

    /// <summary>The share of the steps' wall time that lies within named operations.</summary>
    public required double AccountedShare { get; init; }

    /// <summary>
    /// The operations: one that lies within others stands below the one around it. The first level and the rest add up
    /// to the whole.
    /// </summary>
    public required IReadOnlyList<ProfileRow> Rows { get; init; }

    /// <summary>The trace, for chrome://tracing and ui.perfetto.dev.</summary>
    public string TracePath { get; init; } = "";

    /// <summary>As JSON, in camelCase.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, CamelCase);

    /// <summary>As a table of plain text.</summary>
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
