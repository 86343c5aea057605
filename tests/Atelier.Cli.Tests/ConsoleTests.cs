using Spectre.Console;

namespace Atelier.Cli.Tests;

public sealed class ConsoleTests
{
    [Fact]
    public void What_stands_where_a_line_is_written_is_cleared_first()
    {
        using var written = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(written),
        });
        console.Write("a bar that is much longer than the line");
        console.Write(new AboveBar(new Text("short\n")));
        written.ToString().ShouldContain(ToolConsole.ClearBelow + "short");
    }

    [Fact]
    public void Paths_are_told_from_here_or_from_home_and_lose_their_middle_where_there_is_no_room()
    {
        string here = Path.Combine(Environment.CurrentDirectory, "runs", "mine"),
            home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        ShownPath.Of(here).ShouldBe(Path.Combine("runs", "mine"));
        ShownPath.Of("runs/mine").ShouldBe(Path.Combine("runs", "mine"));
        if (home.Length > 1 && !OperatingSystem.IsWindows()
            && !Environment.CurrentDirectory.StartsWith(home, StringComparison.Ordinal))
            ShownPath.Of(Path.Combine(home, "elsewhere")).ShouldBe("~/elsewhere");
        string far = "/" + string.Join('/', Enumerable.Repeat("folder", 20)) + "/the-run";
        string shown = ShownPath.Of(far, 30);
        shown.Length.ShouldBe(30);
        shown.ShouldStartWith("/folder/");
        shown.ShouldEndWith("/the-run");
        shown.ShouldContain("…");
        ShownPath.Of(far, int.MaxValue).ShouldBe(far);
    }
}
