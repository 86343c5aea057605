using System.Text.RegularExpressions;
using Atelier.TestSupport;

namespace Atelier.Cli.Tests;

/// <summary>What the documentation tells people to type works.</summary>
[Collection(nameof(ToolCollection))]
public sealed partial class DocumentationTests : IDisposable
{
    // What makes a command that trains take a second instead of minutes.
    private static readonly string[] Quick =
    [
        "--set", "training.steps=3", "--set", "model.layerCount=1", "--set", "model.hiddenSize=16", "--set",
            "evaluation.samples=1",
        "--set", "evaluation.sampleTokens=8", "--set", "evaluation.bootstrapSamples=10", "--set",
            "generation.maxTokens=8",
    ];

    private readonly ToolRunner _tool = new();
    private readonly string _folderBefore = Environment.CurrentDirectory;

    public void Dispose()
    {
        Environment.CurrentDirectory = _folderBefore;
        _tool.Dispose();
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("README.zh-CN.md")]
    public void The_readme_s_commands_work_in_their_order(string page)
    {
        DataFolder.File("names", "names.txt");
        Environment.CurrentDirectory = _tool.Folder;
        string text = File.ReadAllText(Path.Combine(Repository.Folder, page));
        string[] commands = [.. Block().Matches(text).SelectMany(m => m.Groups["text"].Value.Split('\n'))
            .Select(line => line.Split(" # ")[0].TrimEnd())
                .Where(line => line.StartsWith("./atelier ", StringComparison.Ordinal))];
        commands.Length.ShouldBeGreaterThan(8);
        foreach (string command in commands)
        {
            string[] redirected = command.Split(" > ");
            List<string> words = [.. Word().Matches(redirected[0]).Skip(1).Select(m => m.Value.Trim('"'))];
            if (words[0] is "quickstart" or "train" && !words.Contains("--resume"))
                words.AddRange(Quick);
            ToolResult result = words[0] == "serve" ? Serve(words) : _tool.Run([.. words]);
            result.Code.ShouldBe(0, $"{command}\n{result.Error}");
            if (redirected.Length > 1)
                File.WriteAllText(redirected[1].Trim(), result.Out);
        }
    }

    /// <summary>Serves on a free port until the models have been listed.</summary>
    private ToolResult Serve(List<string> words)
    {
        if (words.IndexOf("--port") is >= 0 and int at)
            words.RemoveRange(at, 2);
        return _tool.RunUntil(said => Address().Match(said) is { Success: true, Value: var address }
            && ListModels(address).Contains("\"list\"", StringComparison.Ordinal), [.. words, "--port", "0"]);

        static string ListModels(string address)
        {
            using var client = new HttpClient();
            return client.GetStringAsync($"{address}/v1/models").GetAwaiter().GetResult();
        }
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+(?=/)")]
    private static partial Regex Address();

    [Theory]
    [InlineData("README.md")]
    [InlineData("README.zh-CN.md")]
    public void The_readme_s_table_is_whole_and_has_every_family(string page)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Repository.Folder, page));
        string[] table =
            [.. lines.SkipWhile(line => line != "|---|---|---|").TakeWhile(line => line.StartsWith('|')).Skip(1)];
        table.Select(line => line.Split('`')[1]).Order()
            .ShouldBe(Models.ModelFamilies.All.Select(family => family.Name).Order());
    }

    [Fact]
    public void Commands_on_other_pages_use_options_that_there_are()
    {
        var checkedCommands = 0;
        foreach (string page in Directory.EnumerateFiles(Path.Combine(Repository.Folder, "docs"), "*.md"))
        {
            foreach (Match match in Indented().Matches(File.ReadAllText(page)))
            {
                string[] words = [.. Word().Matches(match.Groups["text"].Value).Select(m => m.Value.Trim('"'))];
                string[] names = [.. words.TakeWhile(w => ToolWord().IsMatch(w))
                    .Take(words[0] is "data" or "recipes" or "runs" or "rate" ? 2 : 1)];
                ToolResult help = _tool.Run([.. names, "--help"]);
                help.Code.ShouldBe(0, $"{page}: {match.Value}");
                foreach (string option in words.Where(w => w.StartsWith("--", StringComparison.Ordinal)))
                    help.Out.ShouldContain(option, Case.Sensitive, $"{page}: {match.Value}");
                checkedCommands++;
            }
        }
        checkedCommands.ShouldBeGreaterThan(10);
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("README.zh-CN.md")]
    [InlineData("src/Atelier/README.md")]
    public void The_readme_s_program_is_the_sample_that_the_tests_run(string page)
    {
        string program = File.ReadAllText(Path.Combine(Repository.Folder, "samples", "FirstModel", "Program.cs"));
        string shown = Snippet().Match(File.ReadAllText(Path.Combine(Repository.Folder, page))).Groups["text"].Value;
        program[program.IndexOf("using ", StringComparison.Ordinal)..].Trim().ShouldBe(shown.Trim());
    }

    [Fact]
    public void The_page_on_adding_a_family_shows_the_sample_that_the_tests_run()
    {
        string folder = Path.Combine(Repository.Folder, "samples", "OwnFamily");
        string sample = string.Concat(Directory.GetFiles(folder, "*.cs").Select(File.ReadAllText));
        string page = File.ReadAllText(Path.Combine(Repository.Folder, "docs", "adding-a-family.md"));
        string[] shown = [.. Snippet().Matches(page).Select(match => match.Groups["text"].Value.Trim())];
        shown.Length.ShouldBe(4);
        shown.ShouldAllBe(snippet => sample.Contains(snippet));
    }

    [GeneratedRegex("```bash\n(?<text>.*?)```", RegexOptions.Singleline, 1000)]
    private static partial Regex Block();

    [GeneratedRegex("```csharp\n(?<text>.*?)```", RegexOptions.Singleline, 1000)]
    private static partial Regex Snippet();

    [GeneratedRegex(@"^    \./atelier (?<text>[^#\n]*?)(?:  .*)?$", RegexOptions.Multiline, 1000)]
    private static partial Regex Indented();

    [GeneratedRegex("\"[^\"]*\"|\\S+", RegexOptions.None, 1000)]
    private static partial Regex Word();

    [GeneratedRegex("^[a-z-]+$", RegexOptions.None, 1000)]
    private static partial Regex ToolWord();
}
