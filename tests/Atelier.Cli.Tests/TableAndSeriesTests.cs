using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>Tables, tagged sentences and series from the file to samples and answers, and what is refused.</summary>
[Collection(nameof(ToolCollection))]
public sealed class TableAndSeriesTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_table_is_learned_judged_and_drawn_from()
    {
        string table = _tool.At("coins.csv"), folder = _tool.At("coins");
        File.WriteAllText(table,
            "coin,side\n"
            + string.Concat(Enumerable.Range(0, 200)
            .Select(i => $"{(i % 2 == 0 ? "old" : "new")},{(i % 3 == 0 ? "head" : "tail")}\n")));
        ToolResult trained = _tool.Run("train", "--table", table, "--model", "independent", "--out", folder, "--json");
        trained.Code.ShouldBe(0, trained.Error);
        trained.Json.GetProperty("family").GetString().ShouldBe("independent");
        trained.Json.GetProperty("metrics").GetProperty("logLikelihoodPerRow").GetProperty("value").GetDouble()
            .ShouldBeInRange(-1.6, -1.1);

        JsonElement report = _tool.Run("evaluate", folder, "--against", table, "--json").Json;
        report.GetProperty("metrics").GetProperty("bic").GetProperty("value").GetDouble().ShouldBeLessThan(0);
        report.GetProperty("baselines").EnumerateObject()
            .ShouldBeEmpty("independent columns are not held against themselves");
        JsonElement sample = _tool.Run("generate", folder, "--evidence", "coin=old", "--count", "3",
            "--json").Json.GetProperty("samples")[2];
        sample.GetProperty("row").GetProperty("coin").GetString().ShouldBe("old");
        sample.GetProperty("logProbability").GetDouble().ShouldBeLessThan(0);
        _tool.Run("generate", folder, "--evidence", "coin=old").Out.Trim().ShouldMatch("^coin=old, side=(head|tail)$");

        _tool.Run("generate", folder, "--evidence", "coin").Error.ShouldContain("COLUMN=VALUE");
        _tool.Run("train", "--table", table, "--text", table).Error.ShouldContain("cannot be combined");
        _tool.Run("train", "--table", table, "--model", "ngram", "--out",
            _tool.At("no")).Error.ShouldContain("does not train on data of the kind 'table'");
        _tool.Run("explain", folder).Error.ShouldContain("cannot be explained");
    }

    [Fact]
    public void A_network_is_learned_drawn_from_asked_explained_and_exported()
    {
        string table = _tool.At("rain.csv"), folder = _tool.At("rain");
        // Rain wets the grass, and the grass alone wets shoes.
        File.WriteAllText(table, "shoes,grass,rain\n" + string.Concat(Enumerable.Range(0, 600).Select(i =>
            $"{(i % 10 < 4 ? "wet" : "dry")},{(i % 10 < 5 ? "wet" : "dry")},"
                + $"{(i % 10 < 4 || i % 100 == 55 ? "yes" : "no")}\n")));
        ToolResult trained =
            _tool.Run("train", "--table", table, "--model", "bayesian-network", "--out", folder, "--json");
        trained.Code.ShouldBe(0, trained.Error);
        trained.Json.GetProperty("metrics").GetProperty("edges").GetProperty("value").GetDouble()
            .ShouldBeGreaterThanOrEqualTo(2);
        _tool.Run("evaluate", folder).Out.ShouldContain("(beaten)");
        JsonElement row = _tool.Run("generate", folder, "--evidence", "rain=yes", "--count", "3",
            "--json").Json.GetProperty("samples")[2].GetProperty("row");
        row.GetProperty("rain").GetString().ShouldBe("yes");

        JsonElement answer = _tool.Run("explain", folder, "--query", "rain", "--evidence", "shoes=wet", "--json").Json;
        answer.GetProperty("summary").GetString()!.ShouldStartWith("P(rain | shoes=wet), exact");
        answer.GetProperty("tables").GetProperty("probabilities")[1].GetProperty("probability").GetDouble()
            .ShouldBeGreaterThan(0.9);
        _tool.Run("explain", folder, "--do", "grass=wet", "--most-probable").Out.ShouldContain("do(grass=wet)");
        ToolResult explained = _tool.Run("explain", folder);
        explained.Out.ShouldContain("strongest edges");
        File.Exists(Path.Combine(folder, "plots", "table-rain.svg")).ShouldBeTrue();

        _tool.Run("export", folder, "--to", "bif", "--out", _tool.At("rain.bif")).Code.ShouldBe(0);
        _tool.Run("import", _tool.At("rain.bif"), "--out", _tool.At("again")).Code.ShouldBe(0);
        _tool.Run("explain", _tool.At("again"), "--query", "rain", "--evidence", "shoes=wet",
            "--json").Json.GetProperty("summary").GetString()
            .ShouldBe(answer.GetProperty("summary").GetString());

        _tool.Run("explain", folder, "--query", "rian").Error.ShouldContain("did you mean 'rain'?");
        _tool.Run("explain", folder, "--evidence", "rain=maybe").Code.ShouldBe(2);
    }

    [Fact]
    public void A_hidden_Markov_model_is_taught_tags_and_text()
    {
        string tagged = _tool.At("tags.conllu"), folder = _tool.At("tagger");
        static string Word(int id, string form, string tag) => $"{id}\t{form}\t_\t{tag}\t_\t_\t_\t_\t_\t_\n";
        File.WriteAllText(tagged,
            string.Concat(Enumerable.Range(0, 60)
            .Select(i => Word(1, i % 2 == 0 ? "the" : "a", "DET")
                + Word(2, i % 3 == 0 ? "dog" : "cat", "NOUN") + "\n")));
        ToolResult trained = _tool.Run("train", "--tagged", tagged, "--out", folder, "--json");
        trained.Code.ShouldBe(0, trained.Error);
        trained.Json.GetProperty("metrics").GetProperty("accuracy").GetProperty("value").GetDouble().ShouldBe(1);
        JsonElement sample =
            _tool.Run("generate", folder, "--prompt", "the cat", "--json").Json.GetProperty("samples")[0];
        sample.GetProperty("tags").EnumerateArray().Select(t => t.GetString()).ShouldBe(["DET", "NOUN"]);
        _tool.Run("generate", folder, "--input", tagged).Out.Split('\n')[0].ShouldBe("the/DET dog/NOUN");
        string untagged = _tool.At("untagged.conllu"), retagged = _tool.At("retagged.conllu");
        string written =
            $"# sent_id = 1\n1-2\tthecat\t_\t_\t_\t_\t_\t_\t_\t_\n{Word(1, "the", "_")}{Word(2, "cat", "_")}\n";
        File.WriteAllText(untagged, written);
        _tool.Run("generate", folder, "--input", untagged, "--out", retagged).Code.ShouldBe(0);
        File.ReadAllText(retagged)
            .ShouldBe(written.Replace(Word(1, "the", "_"), Word(1, "the", "DET"))
            .Replace(Word(2, "cat", "_"), Word(2, "cat", "NOUN")));
        _tool.Run("evaluate", folder, "--against", retagged).Code.ShouldBe(0);
        _tool.Run("explain", folder, "--json").Json.GetProperty("tables").GetProperty("tags").GetArrayLength()
            .ShouldBe(2);

        string text = _tool.At("text");
        string[] hmm = ["train", "--text", _tool.Rhymes(), "--model", "hmm", "--set", "model.stateCounts=[2,3]",
            "--set", "model.iterations=4", "--set", "evaluation.samples=2", "--set", "evaluation.sampleTokens=20",
            "--json"];
        ToolResult whole = _tool.Run([.. hmm, "--out", text]);
        whole.Code.ShouldBe(0, whole.Error);
        whole.Json.GetProperty("metrics").GetProperty("stateCount").GetProperty("value").GetDouble()
            .ShouldBeInRange(2, 3);
        JsonElement tables = _tool.Run("explain", text, "--json").Json.GetProperty("tables");
        tables.GetProperty("transition probabilities").EnumerateArray()
            .Where(row => row.GetProperty("from").GetString() == "1")
            .Sum(row => row.GetProperty("probability").GetDouble()).ShouldBe(1, 1e-9);
        ToolResult shown = _tool.Run("explain", text);
        shown.Out.ShouldContain("most likely symbols");
        shown.Out.ShouldNotContain("transition probabilities");
        File.Exists(Path.Combine(text, "plots", "transitions.svg")).ShouldBeTrue();
        _tool.Run("generate", text, "--state", "3=1", "--max-tokens", "8").Code.ShouldBe(0);
        _tool.Run("generate", text, "--state", "3=7", "--max-tokens",
            "8").Error.ShouldContain("3=7 is not a state at a position");
        _tool.Run("generate", text, "--input", tagged).Error.ShouldContain("does not support an input file");
    }

    /// <summary>The last line of the error of a command that a user's mistake ends.</summary>
    private string Told(params string[] arguments)
    {
        ToolResult result = _tool.Run(arguments);
        result.Code.ShouldBe(2, result.Out + result.Error);
        return result.Error.Trim().Split('\n')[^1];
    }

    [Fact]
    public void What_a_hidden_Markov_model_cannot_learn_or_read_is_told_in_a_line()
    {
        string text = _tool.At("abc.txt"), folder = _tool.At("abc");
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("abc\ncab\n", 60)));
        string[] train = ["train", "--text", text, "--model", "hmm", "--set", "model.stateCount=2", "--set",
            "model.iterations=2", "--set", "data.tokenizer.byteFallback=false"];
        _tool.Run([.. train, "--out", folder]).Code.ShouldBe(0);
        Told([.. train, "--set", "model.topology=sparse", "--set", "model.transitions=[0->1]", "--out", _tool.At("a")])
            .ShouldContain("there is no transition from state 1");
        Told("generate", folder, "--prompt", "z").ShouldContain("does not contain 'z'");
        string other = _tool.At("z.txt"), one = _tool.At("one.txt");
        File.WriteAllText(other, "zzz\n");
        Told("evaluate", folder, "--against", other).ShouldContain("does not contain 'z'");
        File.WriteAllText(one, "a");
        Told("train", "--text", one, "--model", "hmm", "--out", _tool.At("b"))
            .ShouldContain("there is no text to train on");
        // A row of zeros in a file from elsewhere.
        string weights = Path.Combine(folder, "bundle", "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        JsonElement header = JsonDocument.Parse(bytes.AsMemory(8, (int)BitConverter.ToInt64(bytes))).RootElement;
        int at = 8 + (int)BitConverter.ToInt64(bytes)
            + header.GetProperty("transitions").GetProperty("data_offsets")[0].GetInt32();
        bytes.AsSpan(at, 2 * sizeof(double)).Clear();
        File.WriteAllBytes(weights, bytes);
        Told("generate", folder).ShouldContain("the transitions from state 0 sum to 0");
    }

    [Fact]
    public void Series_of_zeros_and_ones_or_of_categories_are_learned_judged_and_written()
    {
        string table = _tool.At("events.csv"), folder = _tool.At("events"), drawn = _tool.At("drawn.csv");
        File.WriteAllText(table, "door,light,room\n" + string.Concat(Enumerable.Range(0, 400)
            .Select(t => $"{t / 20 % 2},{(t / 20 + (t % 9 == 0 ? 1 : 0)) % 2},{(t / 20 % 2 * 2) + (t % 2)}\n")));
        string[] train = ["train", "--series", table, "--model", "hmm", "--set", "model.stateCount=2"];
        Told([.. train, "--set", "model.emission=bernoulli", "--out", _tool.At("no")]).ShouldContain(
            "is not a category from 0 to 1; Bernoulli emissions need zeros and ones; set model.emission to "
                + "categorical");
        _tool.Run([.. train, "--set", "model.emission=bernoulli", "--set", "data.table.columns=[door, light]", "--out",
            _tool.At("two")]).Code.ShouldBe(0);
        _tool.Run([.. train, "--set", "model.emission=categorical", "--out", folder]).Code.ShouldBe(0);
        ToolResult judged = _tool.Run("evaluate", folder);
        judged.Code.ShouldBe(0, judged.Error);
        judged.Out.ShouldContain("nats per row of categories");
        judged.Out.ShouldContain("each column from one categorical distribution");
        _tool.Run("generate", folder, "--max-tokens", "30", "--out", drawn).Code.ShouldBe(0);
        string[] lines = File.ReadAllLines(drawn);
        lines.Length.ShouldBe(31);
        lines[1..].SelectMany(line => line.Split(',')[..3])
            .ShouldAllBe(cell => cell.Length == 1 && "0123".Contains(cell));
        _tool.Run("explain", folder).Out.ShouldContain("room");
    }

    [Fact]
    public void What_a_network_cannot_learn_read_or_know_is_told_in_a_line()
    {
        string Written(string name, string content)
        {
            File.WriteAllText(_tool.At(name), content);
            return _tool.At(name);
        }
        string[] Train(string table, params string[] more) =>
            ["train", "--table", table, "--model", "bayesian-network", "--out", table + ".run", .. more];
        string two = Written("two.csv",
            "a,b\n" + string.Concat(Enumerable.Range(0, 50)
            .Select(i => $"{(i % 2 == 0 ? "y" : "n")},{(i % 3 == 0 ? "y" : "n")}\n")));
        Told(Train(two, "--set", "model.structure=given", "--set", "model.edges=[a->b, b->a]"))
            .ShouldContain("the edges form a cycle: a -> b -> a");
        Told(Train(Written("same.csv",
            "a,b\n" + string.Concat(Enumerable.Range(0, 50).Select(i => $"y,{(i % 3 == 0 ? "y" : "n")}\n")))))
            .ShouldContain("the column a has one value only");
        Told(Train(Written("many.csv",
            "a,b\n" + string.Concat(Enumerable.Range(0, 10_000).Select(i => $"n{i},{(i % 3 == 0 ? "y" : "n")}\n")))))
            .ShouldContain("the variable a has 10000 states");
        string variables =
            "network x { }\nvariable a { type discrete [ 2 ] { y, n }; }\nvariable b { type discrete [ 2 ] "
                + "{ y, n }; }\n";
        Told("import", Written("missing.bif", variables + "probability ( a ) { table 0.3, 0.7; }\n"), "--out",
            _tool.At("no")).ShouldContain("there is no table for b");
        Told("import",
            Written("sum.bif",
            variables + "probability ( a ) { table 0.3, 0.8; }\nprobability ( b ) { table 0.5, 0.5; }\n"), "--out",
            _tool.At("no")).ShouldContain("sums to 1.1, not to 1");
        string sure = Written("sure.bif", variables
            + "probability ( a ) { table 0.3, 0.7; }\nprobability ( b | a ) { (y) 1, 0; (n) 0, 1; }\n");
        _tool.Run("import", sure, "--out", _tool.At("sure")).Code.ShouldBe(0);
        Told("generate", _tool.At("sure"), "--evidence", "a=y", "--evidence", "b=n")
            .ShouldContain("the evidence has probability zero: a=y, b=n");
    }

    [Theory]
    [InlineData("gaussian", "diagonal")]
    [InlineData("gaussian", "full")]
    [InlineData("poisson", "diagonal")]
    public void A_series_is_learned_judged_gone_on_with_and_drawn_through_known_states(string emission,
        string covariance)
    {
        string series = _tool.At("series.csv"), folder = _tool.At("series");
        File.WriteAllText(series,
            "low,high\n"
            + string.Concat(Enumerable.Range(0, 400)
            .Select(i => $"{(i / 20 % 2 * 10) + (i % 3)},{(i / 20 % 2 * 5) + (i % 7)}\n")));
        ToolResult trained = _tool.Run("train", "--series", series, "--model", "hmm", "--out", folder, "--json",
            "--set", "model.stateCount=2", "--set", $"model.emission={emission}", "--set",
                $"model.covariance={covariance}");
        trained.Code.ShouldBe(0, trained.Error);
        JsonElement report = _tool.Run("evaluate", folder, "--json").Json;
        double own = report.GetProperty("metrics").GetProperty("logLikelihoodPerRow").GetProperty("value").GetDouble();
        if (emission == "gaussian")
            own.ShouldBeGreaterThan(report.GetProperty("baselines").GetProperty("independent")
                .GetProperty("logLikelihoodPerRow").GetProperty("value").GetDouble());
        JsonElement sample = _tool.Run("generate", folder, "--input", series, "--state", "4=0", "--state", "5=1",
            "--max-tokens", "8", "--json").Json.GetProperty("samples")[0];
        sample.GetProperty("rows").GetArrayLength().ShouldBe(8);
        (sample.GetProperty("states")[4].GetString(), sample.GetProperty("states")[5].GetString()).ShouldBe(("0", "1"));
        _tool.Run("explain", folder).Out.ShouldContain("transitions");
        _tool.Run("evaluate", folder, "--against", series).Code.ShouldBe(0);
        _tool.Run("generate", folder, "--state", "4=7").Error.ShouldContain("not a state at a position");
        File.WriteAllText(series, "low,high\n1,x\n");
        _tool.Run("train", "--series", series, "--out",
            _tool.At("bad")).Error.ShouldContain("'x' in column 'high' of row 2 is not a number");
    }
}
