using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>Choosing a model on the command line.</summary>
[Collection(nameof(ToolCollection))]
public sealed class ChooseTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void Families_that_count_are_compared_whole_and_the_recipe_trains()
    {
        string table = Table(200), folder = _tool.At("choice");
        ToolResult chosen = _tool.Run("choose", table, "--set", "evaluation.bootstrapSamples=20", "--out", folder,
            "--json");
        chosen.Code.ShouldBe(0, chosen.Error);
        JsonElement first = chosen.Json.GetProperty("candidates")[0];
        first.GetProperty("family").GetString().ShouldBe("bayesian-network"); // the columns depend on each other
        first.GetProperty("isMeasured").GetBoolean().ShouldBeTrue();
        chosen.Json.GetProperty("headline").GetProperty("metric").GetString().ShouldBe("logLikelihoodPerRow");
        string recipe = chosen.Json.GetProperty("recipePath").GetString()!;
        File.Exists(Path.Combine(folder, "choice.png")).ShouldBeTrue();
        ToolResult trained = _tool.Run("train", recipe, "--out", _tool.At("run"));
        trained.Code.ShouldBe(0, trained.Error);

        ToolResult shown = _tool.Run("choose", table, "--set", "evaluation.bootstrapSamples=20", "--out", folder,
            "--resume");
        shown.Code.ShouldBe(0, shown.Error);
        shown.Out.ShouldContain("recommended: bayesian-network");
        JsonElement independent = chosen.Json.GetProperty("candidates").EnumerateArray()
            .Single(one => one.GetProperty("family").GetString() == "independent");
        independent.GetProperty("cannotDo").EnumerateArray().Select(ability => ability.GetString())
            .ShouldContain("answer queries about probabilities");
    }

    [Fact]
    public void Advice_without_trials_says_that_it_is_advice()
    {
        ToolResult advice = _tool.Run("choose", _tool.Rhymes(), "--explain-only");
        advice.Code.ShouldBe(0, advice.Error);
        advice.Out.ShouldContain("nothing was trained");
        advice.Out.ShouldContain("recommended: gpt");
        advice.Error.ShouldContain("--purpose fill-spans or fill-in");
        Directory.EnumerateFileSystemEntries(_tool.Folder).Select(Path.GetFileName).Except(["home"])
            .ShouldBe(["rhymes.txt"]);
    }

    [Fact]
    public void Data_of_several_kinds_need_an_answer_or_a_flag()
    {
        string numbers = _tool.At("numbers.csv");
        File.WriteAllLines(numbers, Enumerable.Range(0, 60).Select(i => $"{i % 7},{i * i % 11}").Prepend("a,b"));
        Refused(_tool.Run("choose", numbers, "--explain-only"), "read as table or as series", "--kind");
        ToolResult answered = _tool.Answer("series\n", "choose", numbers, "--explain-only");
        answered.Code.ShouldBe(0, answered.Error);
        answered.Error.ShouldContain("What are the data? [table/series]");
        answered.Out.ShouldContain("recommended: hmm");

        string folder = _tool.At("both");
        Directory.CreateDirectory(folder);
        File.Copy(_tool.Rhymes(), Path.Combine(folder, "a.txt"));
        File.WriteAllBytes(Path.Combine(folder, "b.png"), [1, 2, 3]);
        Refused(_tool.Run("choose", folder, "--explain-only"), "data of two kinds, text and images", "--kind");
    }

    [Fact]
    public void Data_that_are_too_few_and_options_that_are_wrong_get_one_line_and_leave_nothing()
    {
        Refused(_tool.Run("choose", Table(1), "--out", _tool.At("choice")), "hold 1 item, too few", "at least 20");
        Refused(_tool.Run("choose", _tool.At("none.txt")), "no such file", "data list");
        string text = _tool.Rhymes();
        Refused(_tool.Run("choose", text, "--families", "gtp"), "--families: there is no family 'gtp'", "gpt");
        Refused(_tool.Run("choose", text, "--families", "gan"), "gan does not learn", "--families");
        Refused(_tool.Run("choose", text, "--kind", "song"), "no kind of data 'song'", "--kind");
        Refused(_tool.Run("choose", text, "--minutes", "0"), "above 0 minutes", "--minutes");
        Refused(_tool.Run("choose", text, "--minutes", "1", "--explain-only"), "is for trials", "--minutes");
        Refused(_tool.Run("choose", text, "--families", "rnn", "--minutes", "0.001", "--out", _tool.At("choice")),
            "too short to try 6 candidates", "--minutes");
        Refused(_tool.Run("choose", text, "--resume", "--out", _tool.At("choice")), "no choice in this folder",
            "--resume");
        Directory.Exists(_tool.At("choice")).ShouldBeFalse();
    }

    /// <summary>Writes a table whose second column depends on the first one.</summary>
    private string Table(int rows)
    {
        string path = _tool.At("table.csv");
        File.WriteAllLines(path, Enumerable.Range(0, rows).Select(i =>
            $"{(i % 2 == 0 ? "sun" : "rain")},{(i % 2 == 0 == (i % 5 != 0) ? "dry" : "wet")}").Prepend("sky,ground"));
        return path;
    }

    private static void Refused(ToolResult result, string what, string hint)
    {
        result.Code.ShouldBe(2);
        string line = result.Error.TrimEnd().Split('\n')[^1];
        line.ShouldContain(what);
        line.ShouldContain(hint);
    }
}
