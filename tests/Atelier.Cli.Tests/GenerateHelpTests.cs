using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace Atelier.Cli.Tests;

/// <summary>The help of generate for a run: the options of its model alone, and an example that works.</summary>
[Collection(nameof(ToolCollection))]
public sealed partial class GenerateHelpTests : IDisposable
{
    private static readonly string[] Always = ["--device", "--out", "--help", "--json", "--quiet", "--seed", "--count"];

    private static readonly string[] Decoding =
    [
        "--max-tokens", "--temperature", "--top-k", "--top-p", "--min-p", "--typical-p", "--beam-width",
        "--length-penalty", "--beam-groups", "--diversity-penalty", "--early-stopping", "--no-repeat-ngram",
        "--min-tokens", "--repetition-penalty", "--presence-penalty", "--frequency-penalty", "--stop",
        "--lookup", "--draft-tokens", "--pattern", "--schema", "--grammar",
    ];

    private readonly ToolRunner _tool = new();
    private readonly string _folderBefore = Environment.CurrentDirectory;

    public void Dispose()
    {
        Environment.CurrentDirectory = _folderBefore;
        _tool.Dispose();
    }

    [Fact]
    public void A_text_model_has_a_prompt_and_decoding_options_with_the_defaults_of_its_run()
    {
        string text = _tool.At("t.txt");
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("the cat once sat on a mat\n", 40)));
        string help = HelpOf(["--text", text, "--model", "ngram", "--set", "generation.temperature=0.8"],
            ["--prompt", "--draft", .. Decoding]);
        help.ShouldMatch(@"--temperature <X> +Divides the logits[^\[]*\[default: 0\.8\]");
        help.ShouldContain("--prompt once --count 3");
    }

    [Fact]
    public void A_text_model_of_chinese_has_a_chinese_prompt_in_its_example()
    {
        string text = _tool.At("t.txt");
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("春天的早晨,一只小鸟飞过。\n", 40)));
        HelpOf(["--text", text, "--model", "ngram", "--set", "data.tokenizer.byteFallback=false"],
            ["--prompt", "--draft", .. Decoding]).ShouldContain("--prompt 春 --count 3");
    }

    [Fact]
    public void A_model_of_pairs_has_a_source_of_its_data_in_its_example()
    {
        string pairs = _tool.At("t.tsv");
        File.WriteAllText(pairs, "source\ttarget\n" + string.Concat(Enumerable.Range(0, 100)
            .Select(i => $"it costs ${i}\tes kostet ${i}\nwhere is house {i}?\two ist das haus {i}?\n")));
        HelpOf(["--pairs", pairs, "--model", "transformer", "--set", "training.steps=1", "--set", "model.hiddenSize=16",
            "--set", "data.tokenizer.kind=character", "--set", "generation.maxTokens=4"],
            ["--prompt", "--input", "--prefix", "--alignments", "--coverage-penalty",
                .. Decoding.Except(["--lookup", "--draft-tokens"])])
            .ShouldMatch("--prompt \"where is house [0-9]+\\?\"");
    }

    [Fact]
    public void A_table_has_evidence_with_its_columns_and_levels()
    {
        string table = _tool.At("t.csv");
        File.WriteAllText(table,
            "the sky,n\n" + string.Concat(Enumerable.Range(0, 200)
                .Select(i => $"{(i % 2 == 0 ? "blue" : "grey")},{i}.5\n")));
        string help = HelpOf(["--table", table, "--model", "independent"], ["--evidence"]);
        help.ShouldContain("the sky (blue, grey), n (a number)");
        help.ShouldContain("--evidence \"the sky=blue\" --count 5");
    }

    [Fact]
    public void A_tagger_has_sentences_and_a_series_its_length()
    {
        string tagged = _tool.At("t.conllu"), series = _tool.At("s.csv");
        File.WriteAllText(tagged, string.Concat(Enumerable.Repeat(
            "1\tthe\t_\tDET\t_\t_\t_\t_\t_\t_\n2\tcat\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n", 60)));
        File.WriteAllText(series,
            "x\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"{i / 20 % 2}.{i % 3}\n")));
        HelpOf(["--tagged", tagged], ["--prompt", "--input", "--state"]).ShouldContain("A sentence to tag");
        HelpOf(["--series", series, "--model", "hmm", "--set", "model.stateCount=2"],
            ["--input", "--state", "--max-tokens"]).ShouldContain("--max-tokens 100");
    }

    [Theory]
    [InlineData("gan", "--class --interpolate", "model.channels=[8] model.condition=projection")]
    [InlineData("gan", "--interpolate", "model.channels=[8]")]
    [InlineData("vae", "--reconstruct --interpolate --traverse", "model.network=dense model.hidden=[8]")]
    [InlineData("vae", "--class --reconstruct --interpolate",
        "model.channels=[8] model.latents=grid model.conditional=true")]
    [InlineData("diffusion", "--class --sampler --steps --guidance --from --strength --mask --interpolate",
        "model.channels=[8] model.patchSize=4 model.samplerSteps=3 model.conditional=true")]
    [InlineData("diffusion", "--sampler --steps --from --strength --mask --interpolate",
        "model.channels=[8] model.patchSize=4 model.samplerSteps=3 model.conditional=false")]
    public void An_image_model_has_its_classes_and_what_its_family_supports(string family, string options,
        string settings)
    {
        string recipe = _tool.At($"{family}.yaml");
        File.WriteAllText(recipe, $"data:\n  source: world:shapes\n  kind: images\nmodel:\n  family: {family}\n");
        string help = HelpOf([recipe, "--set", "training.steps=2", "--set", "data.worldDocuments=60", "--set",
            "training.batchSize=4", "--set", "training.evaluateEvery=0", "--set", "training.sampleEvery=0",
            "--set", "evaluation.features=none",
            .. settings.Split(' ').SelectMany(setting => (string[])["--set", setting])],
            [.. options.Split(' '), "--upscale", "--like"]);
        if (options.Contains("--class", StringComparison.Ordinal))
            help.ShouldMatch("(?s)The class of the images: .*red-circle");
        if (options.Contains("--sampler", StringComparison.Ordinal))
        {
            help.ShouldContain("euler, heun or dpm. [default: heun]");
            help.ShouldContain("from noise to image. [default: 3]");
        }
    }

    [Fact]
    public void A_run_that_cannot_be_opened_shows_the_general_help_and_says_why()
    {
        ToolResult help = _tool.Run("generate", "nowhere", "--help");
        help.Code.ShouldBe(0);
        help.Error.ShouldStartWith("nowhere: there is no such folder");
        Options(help.Out).ShouldContain("--evidence");
        Options(help.Out).ShouldContain("--sampler");
    }

    /// <summary>Trains, checks that the help lists these options alone, and runs its example.</summary>
    private string HelpOf(string[] train, string[] options)
    {
        string run = _tool.At("run" + Guid.NewGuid().ToString("N"));
        ToolResult trained = _tool.Run(["train", .. train, "--out", run]);
        trained.Code.ShouldBe(0, trained.Error);
        ToolResult help = _tool.Run("generate", run, "--help");
        help.Error.ShouldBeEmpty();
        Options(help.Out).ShouldBe([.. options, .. Always], ignoreOrder: true);
        string example = help.Out.TrimEnd().Split('\n')[^1].Trim();
        example.ShouldStartWith($"atelier generate {run} ");
        Environment.CurrentDirectory = _tool.Folder;
        ToolResult ran = _tool.Run([.. CommandLineParser.SplitCommandLine(example).Skip(1)]);
        ran.Code.ShouldBe(0, $"{example}\n{ran.Error}");
        trained.Out.ShouldContain("more:   atelier generate");
        return Spaces().Replace(help.Out, " ");
    }

    private static string[] Options(string help) =>
        [.. OptionLine().Matches(help).Select(match => match.Groups["name"].Value)];

    [GeneratedRegex(@"(?m)^  (?:-\?, -h, )?(?<name>--[a-z-]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OptionLine();

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Spaces();
}
