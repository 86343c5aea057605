using System.Text.Json;

namespace Atelier.Cli.Tests;

[Collection(nameof(ToolCollection))]
public sealed class ErrorTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Theory]
    [InlineData("trian",
        "atelier: unknown command 'trian'; did you mean 'train'? atelier --help lists the options and commands")]
    [InlineData("train --txt",
        "atelier train: unknown option '--txt'; did you mean '--text'? "
            + "atelier train --help lists the options and commands")]
    [InlineData("train --jsn",
        "atelier train: unknown option '--jsn'; did you mean '--json'? "
            + "atelier train --help lists the options and commands")]
    [InlineData("train",
        "atelier train: there is nothing to train on; name a recipe (see atelier recipes list) or give your own data "
            + "with --text or --conversations or --pairs or --table or --tagged or --labelled or --series or --images "
            + "or --audio or --video")]
    [InlineData("generate runs/x --seed abc", "atelier generate: --seed is 'abc'; write a whole number such as 100")]
    [InlineData("generate runs/x --count 1.5", "atelier generate: --count is '1.5'; write a whole number such as 100")]
    [InlineData("generate runs/x --count 99999999999",
        "atelier generate: --count is '99999999999'; write a whole number such as 100")]
    [InlineData("evaluate runs/x --baselines",
        "atelier evaluate: unknown option '--baselines'; "
            + "atelier evaluate --help lists the options and commands")]
    [InlineData("train --xyzzy", "atelier train: unknown option '--xyzzy'; "
            + "atelier train --help lists the options and commands")]
    [InlineData("train quikstart",
        "quikstart: there is no such file or built-in recipe; did you mean 'quickstart'? atelier recipes list shows "
            + "the built-in ones")]
    [InlineData("train quickstart --set training.stepz=5",
        "--set training.stepz=5: training has no key 'stepz'; did you mean 'steps'?")]
    [InlineData("compress nowhere.wav --to opus", "nowhere.wav: there is no such sound; name a file")]
    [InlineData("compress nowhere --bits 4 --to q4", "--to: --to says the same as --bits; leave it out")]
    [InlineData("compress nowhere --most-loss 1%",
        "--budget: a search needs a budget; set it to a share of the size, such as 25%")]
    [InlineData("compress nowhere --budget 25% --bits 4",
        "--bits: --bits is what --budget searches for; leave it out")]
    [InlineData("compress nowhere --budget 0%", "--budget: '0%' is not a share; write 25%")]
    [InlineData("compress nowhere --bits 5", "--to: 'q5' is not a compression type; allowed: q8, q4, q3, q2, q6_k, "
        + "q5_k, q4_k, q3_k, q2_k, q5_1, q5_0, q4_1, iq4_nl and iq4_xs")]
    [InlineData("train --text nowhere.txt",
        "nowhere.txt: there is no such file or folder; check the path given with --text")]
    [InlineData("train --resume", "--resume: there is no unfinished run; name its folder with --out")]
    [InlineData("train --resume --out nowhere",
        "nowhere: there is no run in this folder; atelier runs list shows all runs")]
    [InlineData("generate nowhere",
        "nowhere: there is no such folder; give the folder of a run or a bundle; atelier runs list shows "
            + "all runs")]
    [InlineData("generate nowhere --count 0", "atelier generate: --count is 0; allowed: 1 or more")]
    [InlineData("runs show nowhere",
        "nowhere: the history has no such run; atelier runs list shows ids and folders")]
    [InlineData("recipes show nothing-near",
        "nothing-near: there is no such file or built-in recipe; atelier recipes list shows the built-in ones")]
    public void A_mistake_is_one_line_on_standard_error_and_exit_code_2(string line, string error)
    {
        ToolResult result = _tool.Run(line.Split(' '));
        result.Error.ShouldBe(error + Environment.NewLine);
        result.Out.ShouldBeEmpty();
        result.Code.ShouldBe(2);
    }

    [Fact]
    public void With_json_a_mistake_is_an_object_on_standard_error()
    {
        ToolResult result = _tool.Run("recipes", "check", "quickstart", "--set", "training.steps=0", "--json");
        (result.Code, result.Out).ShouldBe((2, ""));
        JsonElement error = JsonDocument.Parse(result.Error).RootElement;
        error.EnumerateObject().Select(p => p.Name).ShouldBe(["error", "where", "hint"]);
        error.GetProperty("where").GetString().ShouldBe("--set training.steps=0");
        error.GetProperty("error").GetString().ShouldBe("training.steps is '0'");
        error.GetProperty("hint").GetString().ShouldBe("allowed: 1 or more");
    }

    [Theory]
    [InlineData("atelier train: --out is empty; give it a value, or leave it out", "train", "quickstart", "--out", "")]
    [InlineData("atelier train: --text is empty; give it a value, or leave it out", "train", "--text", " ")]
    [InlineData("atelier generate: RUN is empty; give it a value", "generate", "")]
    [InlineData("atelier runs show: RUN is empty; give it a value", "runs", "show", "")]
    [InlineData("atelier data clean: --out is empty; give it a value, or leave it out", "data", "clean",
        "world:stories-en", "--out", "")]
    [InlineData("atelier import: SOURCE is empty; give it a value", "import", "", "--out", "x")]
    public void An_empty_value_is_refused_by_the_name_of_its_option(string error, params string[] args)
    {
        ToolResult result = _tool.Run(args);
        (result.Code, result.Out, result.Error).ShouldBe((2, "", error + Environment.NewLine));
    }

    [Fact]
    public void An_empty_prompt_is_a_prompt()
    {
        _tool.Run("generate", "nowhere", "--prompt", "").Error.ShouldStartWith("nowhere: there is no such folder");
    }

    [Theory]
    [InlineData("")]
    [InlineData("runs")]
    [InlineData("data")]
    [InlineData("recipes")]
    public void A_command_that_groups_others_shows_its_help(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        ToolResult alone = _tool.Run(words), asked = _tool.Run([.. words, "--help"]);
        (alone.Code, alone.Error).ShouldBe((0, ""));
        alone.Out.ShouldBe(asked.Out);
        alone.Out.ShouldContain("Commands:");
    }
}
