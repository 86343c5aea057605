using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Atelier.Cli;

/// <summary>A command with an example in its help.</summary>
internal abstract class ToolCommand : Command
{
    private readonly ToolConsole _console;

    protected ToolCommand(ToolConsole console, string name, string description, string example)
        : base(name, description)
    {
        _console = console;
        Example = example;
        SetAction(RunAsync);
    }

    /// <summary>A complete command line.</summary>
    public string Example { get; }

    /// <summary>Adapts the options to what the arguments name, and returns the example to show in the help.</summary>
    public virtual string PrepareHelp(ParseResult parse) => Example;

    /// <summary>Runs the command and returns the exit code.</summary>
    protected abstract Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation);

    private Task<int> RunAsync(ParseResult parse, CancellationToken cancellation) => RunAsync(
        _console with { Json = parse.GetValue<bool>(Tool.Json), Quiet = parse.GetValue<bool>(Tool.Quiet) }, parse,
            cancellation);
}

/// <summary>The standard help, followed by the example of the command.</summary>
internal sealed class HelpWithExample(HelpAction usual) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        string? example = (parseResult.CommandResult.Command as ToolCommand)?.PrepareHelp(parseResult);
        int code = usual.Invoke(parseResult);
        if (example is not null)
            parseResult.InvocationConfiguration.Output.WriteLine($"Example:\n  {example}\n");
        return code;
    }
}
