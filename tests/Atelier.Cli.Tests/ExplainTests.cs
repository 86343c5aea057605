using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>Texts that are explained in tables, images and JSON, and what is refused.</summary>
[Collection(nameof(ToolCollection))]
public sealed class ExplainTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_text_is_explained_in_tables_images_and_json()
    {
        string run = _tool.At("run"), plots = _tool.At("plots");
        ToolResult trained = _tool.Run("train", "quickstart", "--out", run, "--set", "training.steps=2", "--set",
            "model.layerCount=2", "--set", "model.hiddenSize=16", "--set", "model.headCount=2", "--set",
            "evaluation.samples=1", "--set", "evaluation.sampleTokens=8", "--set", "generation.maxTokens=8");
        trained.Code.ShouldBe(0, trained.Error);

        ToolResult shown = _tool.Run("explain", run, "--text", "the cat", "--out", plots);
        shown.Code.ShouldBe(0, shown.Error);
        foreach (string part in (string[])["effect in nats", "prediction of token 8", "logit lens", "head 2"])
            shown.Out.ShouldContain(part);
        Directory.GetFiles(plots).Select(Path.GetFileName).Order(StringComparer.Ordinal).ShouldBe(
            ["attention-text-1.png", "attention-text-2.png", "effects.png", "lens.png", "rollout-text.png"]);
        foreach (string file in Directory.GetFiles(plots))
            File.ReadAllBytes(file)[1..4].ShouldBe("PNG"u8.ToArray());

        JsonElement json = _tool.Run("explain", run, "--text", "the cat", "--token", "3", "--json").Json;
        json.GetProperty("prediction").GetProperty("token").GetProperty("text").GetString().ShouldBe("e");
        json.GetProperty("prediction").GetProperty("occlusion").GetArrayLength().ShouldBe(2);
        json.GetProperty("tokens")[1].GetProperty("logProbability").GetDouble().ShouldBeLessThan(0);
        json.GetProperty("attention")[0].GetProperty("weights")[1][1][7].EnumerateArray()
            .Sum(weight => weight.GetDouble()).ShouldBe(1, 1e-3);
        json.GetProperty("pictures").GetArrayLength().ShouldBe(5);
        json.GetProperty("prediction").GetProperty("attributions").GetArrayLength().ShouldBe(0);

        JsonElement by = _tool.Run("explain", run, "--text", "the cat", "--by", "integrated-gradients", "--by",
            "gradient-times-input", "--json").Json.GetProperty("prediction");
        by.GetProperty("occlusion").GetArrayLength().ShouldBe(0);
        JsonElement[] methods = [.. by.GetProperty("attributions").EnumerateArray()];
        methods.Select(one => one.GetProperty("method").GetString())
            .ShouldBe(["integrated-gradients", "gradient-times-input"]);
        double[] effects = [.. methods[0].GetProperty("effects").EnumerateArray()
            .Select(one => one.GetProperty("effect").GetDouble())];
        effects.Length.ShouldBe(7); // all but the start token
        effects.Sum().ShouldBe(methods[0].GetProperty("sum").GetDouble(), 1e-9);
        effects.Sum().ShouldBe(methods[0].GetProperty("change").GetDouble(), 1e-3);
        ToolResult all = _tool.Run("explain", run, "--text", "the cat", "--by", "all");
        foreach (string part in (string[])["effect in nats", "by integrated-gradients", "sum to"])
            all.Out.ShouldContain(part);

        ToolResult near = _tool.Run("explain", run, "--text", "the cat", "--nearest", "3", "--by", "occlusion");
        near.Code.ShouldBe(0, near.Error);
        near.Out.ShouldContain("nearest passages");
        JsonElement passages = _tool.Run("explain", run, "--text", "the cat", "--nearest", "3", "--json").Json
            .GetProperty("nearest");
        passages.GetArrayLength().ShouldBe(3);
        passages[0].GetProperty("common").GetString().ShouldNotBeEmpty();
        _tool.Run("explain", run, "--text", "the", "--nearest", "0").Error.ShouldContain("give a number from 1");
        _tool.Run("explain", run, "--nearest", "2").Error.ShouldContain("add --text TEXT");

        ToolResult ranked = _tool.Run("explain", run, "--heads", "--out", _tool.At("heads"));
        ranked.Code.ShouldBe(0, ranked.Error);
        foreach (string part in (string[])["4 heads", "increase in nats/token", "induction", "previous token"])
            ranked.Out.ShouldContain(part);
        File.ReadAllBytes(Path.Combine(_tool.At("heads"), "heads.png"))[1..4].ShouldBe("PNG"u8.ToArray());
        JsonElement heads = _tool.Run("explain", run, "--heads", "--json").Json;
        double[] increases = [.. heads.GetProperty("heads").EnumerateArray()
            .Select(one => one.GetProperty("increase").GetDouble())];
        increases.Length.ShouldBe(4);
        increases.ShouldBe(increases.OrderDescending());
        heads.GetProperty("heads").EnumerateArray()
            .Select(one => (one.GetProperty("layer").GetInt32(), one.GetProperty("head").GetInt32())).Order()
            .ShouldBe([(1, 1), (1, 2), (2, 1), (2, 2)]);
        JsonElement own = _tool.Run("explain", run, "--heads", "--text", "the cat sat", "--json").Json;
        (own.GetProperty("passages").GetInt32(), own.GetProperty("tokens").GetInt32()).ShouldBe((1, 11));
        _tool.Run("explain", run, "--heads", "--text", "the", "--token", "1").Error
            .ShouldContain("--token: it does not go with --heads");
        _tool.Run("explain", run, "--heads", "--query", "a").Error.ShouldContain("queries do not go with --heads");
        ToolResult alone = _tool.Run("explain", Path.Combine(run, "bundle"), "--heads");
        (alone.Code, alone.Error.Trim().Split('\n').Length).ShouldBe((2, 1));
        alone.Error.ShouldContain("give a text with --text");

        _tool.Run("explain", run).Error.ShouldContain("give a text to explain with --text");
        _tool.Run("explain", run, "--text", "the", "--token", "9").Error.ShouldContain("token 9 is not predicted");
        _tool.Run("explain", run, "--text", "the", "--target", "a").Error.ShouldContain("has no target");
        _tool.Run("explain", run, "--token", "3").Error.ShouldContain("add --text TEXT");
        _tool.Run("explain", run, "--by", "all").Error.ShouldContain("add --text TEXT");
        _tool.Run("explain", run, "--text", "the", "--by", "attention").Error.ShouldContain(
            "use occlusion, integrated-gradients, gradient-times-input, all");
    }

    [Fact]
    public void A_model_without_gradients_says_so_and_explains_by_occlusion()
    {
        string run = _tool.At("ngram");
        ToolResult trained = _tool.Run("train", "quickstart", "--model", "ngram", "--out", run);
        trained.Code.ShouldBe(0, trained.Error);
        ToolResult refused = _tool.Run("explain", run, "--text", "the cat", "--by", "integrated-gradients");
        (refused.Code, refused.Error.Trim().Split('\n').Length).ShouldBe((2, 1));
        refused.Error.ShouldContain("computes no gradients");
        ToolResult headless = _tool.Run("explain", run, "--heads");
        (headless.Code, headless.Error.Trim().Split('\n').Length).ShouldBe((2, 1));
        headless.Error.ShouldContain("no attention heads that can be ablated");
        ToolResult shown = _tool.Run("explain", run, "--text", "the cat", "--by", "occlusion");
        shown.Code.ShouldBe(0, shown.Error);
        shown.Out.ShouldContain("effect in nats");
    }

    [Fact]
    public void A_column_whose_name_has_an_equals_sign_is_quoted()
    {
        File.WriteAllText(_tool.At("n.bif"), """
            network unknown { }
            variable "x=1" { type discrete [ 2 ] { yes, no }; }
            variable y { type discrete [ 2 ] { a, b }; }
            probability ( "x=1" ) { table 0.5, 0.5; }
            probability ( y | "x=1" ) { (yes) 0.25, 0.75; (no) 0.5, 0.5; }
            """);
        _tool.Run("import", _tool.At("n.bif"), "--out", _tool.At("net")).Code.ShouldBe(0);
        ToolResult answer = _tool.Run("explain", _tool.At("net"), "--query", "y", "--evidence", "\"x=1\"=yes");
        answer.Code.ShouldBe(0, answer.Error);
        answer.Out.ShouldContain("0.75");
        ToolResult unquoted = _tool.Run("explain", _tool.At("net"), "--query", "y", "--evidence", "x=1=yes");
        unquoted.Code.ShouldBe(2);
        unquoted.Error.ShouldContain("'x'");
    }

    [Fact]
    public void A_model_that_explains_no_texts_says_so()
    {
        string table = _tool.At("coins.csv"), folder = _tool.At("coins");
        File.WriteAllText(table,
            "side\n" + string.Concat(Enumerable.Range(0, 90).Select(i => i % 3 == 0 ? "head\n" : "tail\n")));
        _tool.Run("train", "--table", table, "--model", "independent", "--out", folder).Code.ShouldBe(0);
        ToolResult refused = _tool.Run("explain", folder, "--text", "x");
        (refused.Code, refused.Error.Trim().Split('\n').Length).ShouldBe((2, 1));
        refused.Error.ShouldContain("does not explain texts");
    }
}
