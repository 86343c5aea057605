using System.CommandLine;

namespace Atelier.Cli.Tests;

[Collection(nameof(ToolCollection))]
public sealed class HelpTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    public static TheoryData<string> CommandPaths =>
        [.. Leaves(Tool.Root(Nowhere, new Workshop()), "").Select(c => c.Path)];

    private static ToolConsole Nowhere => new(TextWriter.Null, TextWriter.Null, IsTerminal: false);

    private static IEnumerable<(string Path, ToolCommand Command)> Leaves(Command command, string path) =>
        command.Subcommands.SelectMany(c => Leaves(c, $"{path} {c.Name}".Trim()))
            .Concat(command is ToolCommand leaf ? [(path, leaf)] : []);

    [Theory]
    [MemberData(nameof(CommandPaths))]
    public void Every_command_s_help_ends_with_an_example_of_itself(string path)
    {
        ToolResult help = _tool.Run([.. path.Split(' '), "--help"]);
        help.Code.ShouldBe(0);
        help.Error.ShouldBeEmpty();
        help.Out.TrimEnd().Split('\n')[^2..].ShouldSatisfyAllConditions(
            lines => lines[0].ShouldBe("Example:"),
            lines => lines[1].ShouldStartWith($"  atelier {path}"));
        foreach (string option in (string[])["--json", "--quiet", "--seed"])
            help.Out.ShouldContain(option);
    }

    [Theory]
    [MemberData(nameof(CommandPaths))]
    public void Every_example_is_a_command_line_that_the_tool_understands(string path)
    {
        ToolCommand command = Leaves(Tool.Root(Nowhere, new Workshop()), "").Single(c => c.Path == path).Command;
        string[] args = [.. System.CommandLine.Parsing.CommandLineParser.SplitCommandLine(command.Example).Skip(1)];
        Tool.Root(Nowhere, new Workshop()).Parse(args).Errors.ShouldBeEmpty();
    }

    [Fact]
    public void The_tool_s_help_lists_its_commands()
    {
        string help = _tool.Run("--help").Out;
        foreach (string name in (string[])["quickstart", "train", "choose", "generate", "evaluate", "explain", "data",
            "import", "export", "compress", "recipes", "runs", "doctor", "find-learning-rate", "cards"])
            help.ShouldMatch($@"(?m)^  {name}\b");
    }
}
