using System.Text.Json;
using Atelier.Recipes;

namespace Atelier.Cli.Tests;

[Collection(nameof(ToolCollection))]
public sealed class EndToEndTests : IDisposable
{
    private static readonly string[] Tiny =
    [
        "--set", "training.steps=20", "--set", "model.layerCount=1", "--set", "model.headCount=2", "--set",
            "model.hiddenSize=16", "--set", "model.contextLength=16",
        "--set", "training.batchSize=4", "--set", "evaluation.samples=2", "--set", "evaluation.sampleTokens=16",
            "--set", "evaluation.bootstrapSamples=10",
    ];

    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    private ToolResult Train(string folder, params string[] more) =>
        _tool.Run(["train", "--text", _tool.Rhymes(), "--out", folder, "--json", .. Tiny, .. more]);

    [Fact]
    public void A_run_starts_from_another_one_and_its_adapter_is_used_and_exported()
    {
        (string first, string second) = (_tool.At("first"), _tool.At("second"));
        Train(first).Code.ShouldBe(0);
        ToolResult trained = _tool.Run("train", "--text", _tool.Rhymes(), "--from", first, "--out", second,
            "--set", "training.lora.rank=2", "--set", "training.steps=5", "--set", "evaluation.samples=2",
            "--set", "evaluation.bootstrapSamples=10", "--set", "training.batchSize=4", "--json");
        trained.Code.ShouldBe(0, trained.Error);
        string adapter = Path.Combine(second, "adapter");
        string Text(params string[] model) => _tool.Run(["generate", .. model, "--prompt", "3 little",
            "--max-tokens", "12", "--json"]).Json.GetProperty("samples")[0].GetProperty("text").GetString()!;
        Text(first, "--adapter", adapter).ShouldBe(Text(second));
        _tool.Run("export", first, "--adapter", adapter, "--out", _tool.At("merged")).Code.ShouldBe(0);
        Text(_tool.At("merged")).ShouldBe(Text(second));
        _tool.Run("train", "--text", _tool.Rhymes(), "--from", first, "--set", "model.hiddenSize=32").Error
            .ShouldContain("model.hiddenSize is 32, but the model of training.from has 16");
    }

    [Fact]
    public void A_text_is_learned_and_continued_and_the_run_is_remembered()
    {
        string folder = _tool.At("run");
        ToolResult trained = Train(folder);
        trained.Code.ShouldBe(0, trained.Error);
        JsonElement result = trained.Json;
        result.EnumerateObject().Select(p => p.Name)
            .ShouldBe(["run", "bundle", "family", "steps", "seconds", "metrics"]);
        (result.GetProperty("run").GetString(), result.GetProperty("family").GetString(),
            result.GetProperty("steps").GetInt64()).ShouldBe((folder, "gpt", 20));
        Directory.Exists(result.GetProperty("bundle").GetString()).ShouldBeTrue();
        result.GetProperty("metrics").GetProperty("validationLoss").GetProperty("value").GetDouble()
            .ShouldBeInRange(0.5, 10);
        double judged = result.GetProperty("metrics").GetProperty("crossEntropyPerCharacter").GetProperty("value")
            .GetDouble();

        JsonElement report = _tool.Run("evaluate", folder, "--json").Json;
        report.EnumerateObject().Select(p => p.Name).ShouldBe(["run", "data", "metrics", "baselines"]);
        JsonElement figure = report.GetProperty("metrics").GetProperty("crossEntropyPerCharacter");
        figure.EnumerateObject().Select(p => p.Name).ShouldBe(["value", "low", "high", "unit"]);
        figure.GetProperty("value").GetDouble().ShouldBe(judged);
        figure.GetProperty("value").GetDouble()
            .ShouldBeInRange(figure.GetProperty("low").GetDouble(), figure.GetProperty("high").GetDouble());
        report.GetProperty("baselines").GetProperty("ngram5").TryGetProperty("perplexity", out _).ShouldBeTrue();
        File.ReadAllText(Path.Combine(folder, "report.md")).ShouldContain("crossEntropyPerCharacter");

        string[] generate =
            ["generate", folder, "--prompt", "3 little", "--count", "2", "--max-tokens", "12", "--seed", "7", "--json"];
        string drawnText = _tool.Run(generate).Out;
        JsonElement drawn = JsonDocument.Parse(drawnText).RootElement;
        drawn.EnumerateObject().Select(p => p.Name).ShouldBe(["run", "seed", "samples"]);
        drawn.GetProperty("seed").GetInt64().ShouldBe(7);
        drawn.GetProperty("samples").GetArrayLength().ShouldBe(2);
        drawn.GetProperty("samples")[0].GetProperty("logProbability").GetDouble().ShouldBeLessThan(0);

        JsonElement run = _tool.Run("runs", "list", "--json").Json.GetProperty("runs")[0];
        (run.GetProperty("run").GetString(), run.GetProperty("status").GetString()).ShouldBe((folder, "finished"));
        _tool.Run("runs", "show", folder).Out.ShouldContain("validationLoss");

        Train(folder).Error.ShouldContain("the folder holds a finished run already");
        _tool.Run("train", "--resume", "--out", folder).Error.ShouldContain("this run is finished");

        File.ReadAllText(Path.Combine(folder, "bundle", "README.md")).ShouldNotContain(_tool.Folder);
        File.Delete(Path.Combine(folder, "recipe.yaml"));
        _tool.Run(generate).Out.ShouldBe(drawnText);

        _tool.Run("runs", "delete", folder, "--yes").Code.ShouldBe(0);
        Directory.Exists(folder).ShouldBeFalse();
        _tool.Run("runs", "list", "--json").Json.GetProperty("runs").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public void Runs_are_compared_by_their_figures_and_where_their_recipes_differ()
    {
        Train(_tool.At("a")).Code.ShouldBe(0);
        Train(_tool.At("b"), "--seed", "5").Code.ShouldBe(0);
        JsonElement compared = _tool.Run("runs", "compare", _tool.At("a"), _tool.At("b"), "--json").Json;
        compared.GetProperty("differences").EnumerateObject().Select(p => p.Name).ShouldBe(["seed"]);
        compared.GetProperty("differences").GetProperty("seed").EnumerateArray().Select(v => v.GetString())
            .ShouldBe(["1", "5"]);
    }

    [Fact]
    public void Runs_on_the_same_held_out_text_are_compared_pair_by_pair_and_runs_on_other_text_are_not()
    {
        string[] Lines(string folder, params string[] more) =>
            ["train", "--text", _tool.Rhymes(), "--model", "ngram", "--out", _tool.At(folder), "--quiet", "--set",
            "data.document=line", .. more];
        _tool.Run(Lines("long", "--set", "model.order=4", "--set", "evaluation.samples=0")).Code.ShouldBe(0);
        _tool.Run(Lines("short", "--set", "model.order=1", "--set", "evaluation.samples=0")).Code.ShouldBe(0);
        _tool.Run(Lines("other", "--set", "model.order=1", "--set", "evaluation.samples=0", "--seed",
            "9")).Code.ShouldBe(0);
        double Loss(string folder) =>
            _tool.Run("evaluate", _tool.At(folder), "--json").Json.GetProperty("metrics")
            .GetProperty("crossEntropyPerCharacter").GetProperty("value").GetDouble();

        JsonElement heldOut = _tool.Run("runs", "compare", _tool.At("long"), _tool.At("short"), _tool.At("other"),
            "--json").Json.GetProperty("heldOut");
        JsonElement difference = heldOut[1].GetProperty("difference");
        difference.GetProperty("value").GetDouble().ShouldBe(Loss("short") - Loss("long"), 1e-12);
        difference.GetProperty("low").GetDouble().ShouldBeGreaterThan(0);
        (difference.GetProperty("basis").GetString(), difference.GetProperty("outcome").GetString())
            .ShouldBe(("paired", "notBeaten"));
        heldOut[2].GetProperty("difference").ValueKind.ShouldBe(JsonValueKind.Null);
        heldOut[2].GetProperty("reason").GetString()!.ShouldContain("different data");

        string told = _tool.Run("runs", "compare", _tool.At("long"), _tool.At("short")).Out;
        told.Split('\n').First(line => line.Contains("held-out")).ShouldContain("crossEntropyPerCharacter");
        told.ShouldContain("is worse on the same held-out data, by ");
    }

    [Fact]
    public void Too_little_text_to_judge_by_is_refused_before_training_and_leaves_no_run()
    {
        string path = _tool.At("note.txt"), folder = _tool.At("small");
        File.WriteAllText(path, string.Concat(Enumerable.Repeat("buy milk and call home. ", 10)));
        ToolResult refused = _tool.Run("train", "--text", path, "--out", folder);
        refused.Code.ShouldBe(2);
        refused.Error.ShouldContain(
            "too little text for evaluation: 240 characters leave 12 for the test part, which needs 20");
        refused.Error.ShouldContain("provide at least 400 characters");
        refused.Error.ShouldContain("for 240 bytes of text: ");
        Directory.Exists(folder).ShouldBeFalse();
        _tool.Run("train", "--text", path, "--model", "ngram", "--out", _tool.At("all"), "--set",
            "data.split=none").Code.ShouldBe(0);
    }

    [Fact]
    public async Task An_interrupted_run_says_how_to_go_on_and_goes_on()
    {
        string folder = _tool.At("run");
        using var stop = new CancellationTokenSource();
        using StringWriter output = new(), error = new();
        using var watched = new StopAtFirstStep(error, stop);
        int code = await new Tool(new ToolConsole(output, watched, IsTerminal: false), new Workshop())
            .RunAsync(["train", "--text", _tool.Rhymes(), "--out", folder, .. Tiny, "--set", "training.steps=100000",
                "--set", "training.reportEvery=1"], stop.Token);
        code.ShouldBe(130);
        error.ToString().ShouldContain($"continue with: atelier train --resume --out {folder}");
        _tool.Run("runs", "list", "--json").Json.GetProperty("runs")[0].GetProperty("status").GetString()
            .ShouldBe("interrupted");

        string recipe = Path.Combine(folder, "recipe.yaml");
        File.WriteAllText(recipe,
            File.ReadAllText(recipe).Replace("steps: 100000", "steps: 40", StringComparison.Ordinal));
        ToolResult resumed = _tool.Run("train", "--resume", "--json");
        resumed.Code.ShouldBe(0, resumed.Error);
        resumed.Json.GetProperty("steps").GetInt64().ShouldBe(40);
    }

    [Fact]
    public void Recipes_are_listed_shown_and_checked()
    {
        _tool.Run("recipes", "list", "--json").Json.GetProperty("recipes").GetArrayLength()
            .ShouldBe(BuiltInRecipes.All.Count);
        _tool.Run("recipes", "show", "names").Out.ShouldContain("source: names");
        string resolved = _tool.Run("recipes", "show", "names", "--resolved").Out;
        File.WriteAllText(_tool.At("mine.yaml"), resolved);
        _tool.Run("recipes", "check", _tool.At("mine.yaml"))
            .ShouldBe(new ToolResult(0, $"names: valid{Environment.NewLine}", ""));
    }

    [Fact]
    public void A_bundle_exported_and_imported_again_says_the_same()
    {
        Train(_tool.At("run")).Code.ShouldBe(0);
        _tool.Run("export", _tool.At("run"), "--out", _tool.At("hf"), "--json").Json.GetProperty("folder").GetString()
            .ShouldBe(_tool.At("hf"));
        JsonElement imported = _tool.Run("import", _tool.At("hf"), "--out", _tool.At("back"), "--json").Json;
        imported.GetProperty("bundle").GetString().ShouldBe(_tool.At("back"));
        imported.GetProperty("parameters").GetInt64().ShouldBeGreaterThan(1000);
        imported.GetProperty("shape").GetProperty("layerCount").GetInt64().ShouldBeGreaterThan(0);
        string[] said = [.. ((string[])["run", "hf", "back"])
            .Select(f => _tool.Run("generate", _tool.At(f), "--max-tokens", "20").Out)];
        said.ShouldAllBe(s => s == said[0] && s.Length > 5);
        _tool.Run("export", _tool.At("run"), "--out", _tool.Folder).Error.ShouldContain("do not belong to a bundle");
    }

    [Fact]
    public void A_run_is_compressed_judged_and_goes_out_as_gguf_and_comes_back()
    {
        Train(_tool.At("run")).Code.ShouldBe(0);
        JsonElement report = _tool.Run("compress", _tool.At("run"), "--to", "q8", "--json").Json;
        report.EnumerateObject().Select(p => p.Name)
            .ShouldBe(["bundle", "type", "calibrated", "data", "before", "after", "lossChange", "similarity"]);
        report.GetProperty("bundle").GetString().ShouldBe(_tool.At("run-q8"));
        report.GetProperty("after").GetProperty("bytes").GetInt64()
            .ShouldBeLessThan(report.GetProperty("before").GetProperty("bytes").GetInt64());
        report.GetProperty("lossChange").GetProperty("value").GetDouble().ShouldBeInRange(-0.05, 0.05);
        JsonElement found = _tool.Run("compress", _tool.At("run"), "--budget", "90%", "--json").Json;
        found.GetProperty("best").GetProperty("bundle").GetString().ShouldBe(_tool.At("run-small"));
        File.Exists(found.GetProperty("plot").GetString()).ShouldBeTrue();
        found.GetProperty("trials").EnumerateArray().Select(trial => trial.GetProperty("type").GetString())
            .ShouldBe(["q8", "q4", "q3", "q2"]);
        ToolResult tooSmall = _tool.Run("compress", _tool.At("run"), "--budget", "1%", "--out", _tool.At("none"));
        (tooSmall.Code, Directory.Exists(_tool.At("none"))).ShouldBe((2, false));
        tooSmall.Error.ShouldContain("--budget: nothing that was tried fits into 1% of the size; the nearest is q2: ");
        _tool.Run("export", _tool.At("run"), "--to", "gguf", "--out", _tool.At("model.gguf"),
            "--json").Json.GetProperty("file").GetString().ShouldBe(_tool.At("model.gguf"));
        _tool.Run("import", _tool.At("model.gguf"), "--out", _tool.At("back")).Code.ShouldBe(0);
        string[] said = [.. ((string[])["run", "back"])
            .Select(f => _tool.Run("generate", _tool.At(f), "--max-tokens", "20", "--temperature", "0").Out)];
        said[1].ShouldBe(said[0]);
        _tool.Run("export", _tool.At("run"), "--to", "gguf", "--type", "q7", "--out",
            _tool.At("x")).Error.ShouldContain("allowed: f32, f16, bf16, q8, q4");
    }

    [Fact]
    public void A_llama2_c_model_is_imported_and_tells_its_published_story()
    {
        string model = TestSupport.DataFolder.File("weights", "stories260K", "stories260K.bin");
        string weights = Path.GetDirectoryName(model)!;
        _tool.Run("import", model, "--tokenizer", Path.Combine(weights, "tok512.bin"), "--out", _tool.At("stories"),
            "--quiet").Code.ShouldBe(0);
        string story =
            _tool.Run("generate", _tool.At("stories"), "--temperature", "0", "--max-tokens", "60").Out.Trim();
        File.ReadAllText(Path.Combine(weights, "expected-greedy-200.txt")).Trim().ShouldStartWith(story);
        _tool.Run("import", model, "--out", _tool.At("beside"), "--quiet").Code.ShouldBe(0,
            "its tokenizer lies beside it");
        File.Copy(model, _tool.At("alone.bin"));
        _tool.Run("import", _tool.At("alone.bin"), "--out", _tool.At("x")).Error.ShouldContain("--tokenizer");
    }

    [Fact]
    public void Data_is_listed_shown_and_cleaned()
    {
        _tool.Run("data", "list", "--json").Json.GetProperty("worlds").EnumerateArray()
            .Select(w => w.GetProperty("name").GetString()).ShouldContain("world:shapes");
        JsonElement shown = _tool.Run("data", "show", _tool.Rhymes(), "--json").Json;
        shown.GetProperty("characters").GetInt64().ShouldBe(File.ReadAllText(_tool.Rhymes()).Length);
        string clean = _tool.At("clean.jsonl");
        _tool.Run("data", "clean", _tool.Rhymes(), "--step", "whitespace", "--out", clean).Code.ShouldBe(0);
        JsonDocument.Parse(File.ReadLines(clean).First()).RootElement.GetProperty("text")
            .GetString()!.ShouldStartWith("0 little boats");
        _tool.Run("data", "get", "tinyshakespear").Error.ShouldContain("did you mean 'tinyshakespeare'?");
    }

    [Fact]
    public void A_card_is_made_once_and_its_page_names_the_published_figure_and_the_command()
    {
        TestSupport.DataFolder.File("names", "names.txt");
        string page = _tool.At("cards.md"), before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = _tool.Folder;
        try
        {
            ToolResult made = _tool.Run(["cards", "names", "--out", page, "--json", .. Tiny]);
            made.Code.ShouldBe(0, made.Error);
            made.Json.GetProperty("cards").GetProperty("names").GetProperty("ours").GetProperty("value").GetDouble()
                .ShouldBeInRange(1, 4);
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
        File.ReadAllText(page).ShouldMatch(@"\| about 1\.92 nats .*karpathy/makemore.*`atelier train names` \|");
        _tool.Run("cards", "nams", "--out", page).Code.ShouldBe(2);
    }

    [Fact]
    public void The_doctor_finds_a_tensor_library_that_computes()
    {
        JsonElement findings = _tool.Run("doctor", "--json").Json.GetProperty("findings");
        findings.EnumerateArray().Single(f => f.GetProperty("name").GetString() == "tensor library").GetProperty("ok")
            .GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public void The_doctor_tells_of_each_operator_whether_it_is_right_and_by_which_path_it_is_computed()
    {
        JsonElement answer = _tool.Run("doctor", "--json").Json;
        JsonElement[] operators = [.. answer.GetProperty("operators").EnumerateArray()];
        operators.Length.ShouldBeGreaterThan(30);
        operators.ShouldAllBe(o => o.GetProperty("path").GetString() != "none");
        operators.Select(o => o.GetProperty("precision").GetString()).Distinct()
            .ShouldBe(["fp32", "bf16"], ignoreOrder: true);
        bool vnni = System.Runtime.Intrinsics.X86.AvxVnni.IsSupported;
        answer.GetProperty("instructions").GetProperty("avxVnni").GetBoolean().ShouldBe(vnni);
    }

    private sealed class StopAtFirstStep(TextWriter inner, CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            inner.WriteLine(value);
            if (value!.StartsWith("step ", StringComparison.Ordinal))
                stop.Cancel();
        }
    }
}
