using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Atelier.Cli;

/// <summary>Where a command writes: results to one stream, progress and errors to the other.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Progress, remarks and errors.</param>
/// <param name="IsTerminal">Whether the output is a terminal: shows bars and colours instead of plain lines.</param>
internal sealed record ToolConsole(TextWriter Out, TextWriter Error, bool IsTerminal) : IProgress<string>
{
    /// <summary>Returns to the start of the line and erases everything after it: clears a progress bar.</summary>
    public const string ClearBelow = "\r\u001b[0J";

    private const int PlainWidth = 120;
    private const int OtherColumns = 56; // the width of the other columns in a table of runs

    private static readonly JsonSerializerOptions Readable =
        new()
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            // The log of a zero likelihood is minus infinity.
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        };

    /// <summary>Reads the answers to questions; null if nobody can answer.</summary>
    public TextReader? In { get; init; }

    /// <summary>Whether the result is written as one JSON object.</summary>
    public bool Json { get; init; }

    /// <summary>Whether progress and remarks are hidden.</summary>
    public bool Quiet { get; init; }

    /// <summary>Handles the signals that interrupt a command; null if there are none.</summary>
    public Interruption? Interruption { get; init; }

    /// <summary>Writes a remark, unless they are hidden.</summary>
    public void Remark(string line)
    {
        if (!Quiet)
            Error.WriteLine(line);
    }

    void IProgress<string>.Report(string value) => Remark(value);

    /// <summary>Asks a yes-or-no question.</summary>
    /// <param name="question">The question, without the question mark.</param>
    /// <param name="otherwise">The hint of the error if nobody can answer.</param>
    /// <returns>Whether the answer was y or yes.</returns>
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

    /// <summary>Whether somebody can answer a question.</summary>
    public bool CanAsk => In is not null && !Json;

    /// <summary>Asks which of several answers is meant, until one of them is given.</summary>
    /// <param name="question">The question, without the question mark.</param>
    /// <param name="answers">The answers; the first one stands for an empty line.</param>
    public string Ask(string question, IReadOnlyList<string> answers)
    {
        while (true)
        {
            Error.Write($"{question}? [{string.Join('/', answers)}] ");
            Error.Flush();
            string answer = In!.ReadLine()?.Trim() ?? "";
            if (answer.Length == 0)
                return answers[0];
            if (answers.Contains(answer))
                return answer;
        }
    }

    /// <summary>Writes a line of the result; does nothing with --json.</summary>
    public void Say(string line = "")
    {
        if (!Json)
            Out.WriteLine(line);
    }

    /// <summary>Writes the result as JSON; does nothing without --json.</summary>
    public void Result(Func<JsonObject> result)
    {
        if (Json)
            Out.WriteLine(result().ToJsonString(Readable));
    }

    /// <summary>Writes a table; does nothing with --json.</summary>
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

    /// <summary>Shortens a path for the last column of a table if the terminal is narrow.</summary>
    public string Cell(string path) =>
        ShownPath.Of(path, IsTerminal ? Rich(Out).Profile.Width - OtherColumns : int.MaxValue);

    /// <summary>Creates a Spectre console on a stream.</summary>
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
