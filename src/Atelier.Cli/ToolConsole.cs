using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Atelier.Cli;

/// <summary>Where a command writes: results to one stream, progress and errors to the other.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Progress, remarks and errors.</param>
/// <param name="IsTerminal">Whether a person watches: bars and colours, rather than plain lines.</param>
internal sealed record ToolConsole(TextWriter Out, TextWriter Error, bool IsTerminal) : IProgress<string>
{
    /// <summary>Back to the line's beginning, and everything from there on away: a bar that stands there.</summary>
    public const string ClearBelow = "\r\u001b[0J";

    private const int PlainWidth = 120;
    private const int OtherColumns = 56; // characters that a table of runs takes besides

    private static readonly JsonSerializerOptions Readable =
        new()
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            // A likelihood of zero is minus infinity in nats.
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        };

    /// <summary>Where a person answers questions; null where nobody can.</summary>
    public TextReader? In { get; init; }

    /// <summary>Whether results are one JSON object.</summary>
    public bool Json { get; init; }

    /// <summary>Whether progress and remarks are left out.</summary>
    public bool Quiet { get; init; }

    /// <summary>What ends a command from outside; null where nothing does.</summary>
    public Interruption? Interruption { get; init; }

    /// <summary>Shows a remark.</summary>
    public void Remark(string line)
    {
        if (!Quiet)
            Error.WriteLine(line);
    }

    void IProgress<string>.Report(string value) => Remark(value);

    /// <summary>Asks a question that is answered with yes or no.</summary>
    /// <param name="question">Without the question mark.</param>
    /// <param name="otherwise">What to do instead where nobody can answer: the hint of the error.</param>
    /// <returns>Whether the answer was yes; anything else than y or yes is no.</returns>
    /// <exception cref="AtelierException">Nobody can answer: standard input is not a terminal, or the output is for a
    /// program.</exception>
    public bool Confirm(string question, string otherwise)
    {
        if (In is null || Json)
            throw new AtelierException($"{question}? needs an answer, but standard input is not a terminal",
                hint: otherwise);
        Error.Write($"{question}? [y/N] ");
        Error.Flush();
        return In.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    /// <summary>Gives a line of the result to a person; not with --json.</summary>
    public void Say(string line = "")
    {
        if (!Json)
            Out.WriteLine(line);
    }

    /// <summary>Gives the result to a program: with --json only.</summary>
    public void Result(Func<JsonObject> result)
    {
        if (Json)
            Out.WriteLine(result().ToJsonString(Readable));
    }

    /// <summary>Gives a table to a person; not with --json.</summary>
    public void Table(string[] headers, IEnumerable<string[]> rows)
    {
        if (Json)
            return;
        var table = new Table().Border(TableBorder.Simple);
        foreach (string header in headers)
            table.AddColumn(new TableColumn(new Markup($"[bold]{Markup.Escape(header)}[/]")));
        foreach (string[] row in rows)
            table.AddRow([.. row.Select(cell => new Spectre.Console.Text(cell))]);
        Rich(Out).Write(table);
    }

    /// <summary>A path in a table's last column: without its middle where the terminal is narrow.</summary>
    public string Cell(string path) =>
        ShownPath.Of(path, IsTerminal ? Rich(Out).Profile.Width - OtherColumns : int.MaxValue);

    /// <summary>A console that draws on a stream.</summary>
    public IAnsiConsole Rich(TextWriter writer)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = IsTerminal ? InteractionSupport.Yes : InteractionSupport.No,
        });
        if (!IsTerminal)
            console.Profile.Width = PlainWidth;
        return console;
    }
}
