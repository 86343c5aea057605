using Atelier.Abstractions;
using Atelier.Data.Tables;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Models.BayesianNetwork;
using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Recipes;
using Atelier.Tests.Data;
using Atelier.TestSupport;

namespace Atelier.Tests.Models.BayesianNetwork;

/// <summary>From a table to a bundle and back, as a user does it.</summary>
public sealed class FamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_trained_network_is_the_same_when_its_bundle_is_opened()
    {
        await Train(Rows(500), "run");
        using var model = new Workshop().Open(_folder["run"]).Require<BayesianNetworkModel>();
        using TableData data = (TableData)new Workshop().OpenData(_folder["run"]);
        DiscreteData rows = NetworkRows.Of(data.Train, model.Network.Variables);
        DiscreteNetwork again = NetworkLearning.Learn(rows, new BayesianNetworkConfig(), 1).Network;
        for (int i = 0; i < 3; i++)
        {
            model.Network.Graph.Parents(i).ShouldBe(again.Graph.Parents(i));
            model.Network.Table(i).ToArray().ShouldBe(again.Table(i).ToArray());
        }
        new[] { "network.png", "network.svg" }.ShouldAllBe(name => File.Exists(_folder[$"run/plots/{name}"]));
    }

    [Fact]
    public async Task It_is_judged_beside_independent_columns_on_rows_held_out()
    {
        await Train(Rows(2000), "run");
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Metrics["logLikelihoodPerRow"].Value.ShouldBeGreaterThan(
            report.Baselines["independent"]["logLikelihoodPerRow"].Value);
        report.Verdict.ShouldStartWith("held-out");
        report.Verdict.ShouldContain("beaten");
    }

    [Fact]
    public async Task Rows_missing_values_and_numbers_made_levels_go_the_whole_way()
    {
        var random = new SplitMix64(1);
        string rows = "smoke,age,cough\n" + string.Concat(Enumerable.Range(0, 800).Select(i =>
        {
            double age = 20 + (60 * random.NextDouble());
            bool smoke = random.NextDouble() < 0.4, cough = random.NextDouble() < (smoke ? 0.8 : age / 400);
            return FormattableString.Invariant(
                $"{(random.Next(5) == 0 ? "NA" : smoke ? "yes" : "no")},{age:0.0},{(cough ? "yes" : "no")}\n");
        }));
        await Train(rows, "run", "data.table.discretise=quantile", "data.table.bins=3", "model.emIterations=20");
        using ITrainedModel model = new Workshop().Open(_folder["run"]);
        var request = new GenerationRequest { Count = 5,
            Evidence = new Dictionary<string, string> { ["age"] = "33.5", ["smoke"] = "yes" } };
        RowSample[] samples = [.. model.Require<IGenerator>().GenerateAsync(request)
            .ToBlockingEnumerable().Cast<RowSample>()];
        samples.Length.ShouldBe(5);
        samples.ShouldAllBe(s => s.Values[0].ToString() == "yes" && s.Values[1].ToString().StartsWith("<="));
        Explanation answer = model.Require<IProbabilisticQuery>()
            .Answer(new Question { Targets = ["smoke"],
            Evidence = new Dictionary<string, string> { ["cough"] = "yes" } });
        double[] p = [.. answer.Tables[0].Rows.Select(r => r[2].ToJson().GetValue<double>())];
        p.Sum().ShouldBe(1, 1e-9);
        p[1].ShouldBeGreaterThan(0.6, "most who cough smoke");
    }

    [Fact]
    public void Answers_are_those_of_all_rows_added_up()
    {
        using BayesianNetworkModel asia = Asia();
        DiscreteNetwork network = asia.Network;
        int smoke = network.IndexOf("smoke"), lung = network.IndexOf("lung"), xray = network.IndexOf("xray");
        double Share(Func<byte[], bool> of, Func<byte[], bool> among) =>
            Networks.Enumerate(network).Where(r => among(r.States) && of(r.States))
                .Sum(r => r.Probability) / Networks.Enumerate(network).Where(r => among(r.States))
                .Sum(r => r.Probability);
        Probability(asia,
            new Question { Targets = ["lung"],
            Evidence = new Dictionary<string, string> { ["xray"] = "yes", ["smoke"] = "no" } })
            .ShouldBe(Share(s => s[lung] == 0, s => s[xray] == 0 && s[smoke] == 1), 1e-12);
        // Seeing lung cancer tells of smoking; causing it does not.
        Probability(asia,
            new Question { Targets = ["smoke"], Interventions = new Dictionary<string, string> { ["lung"] = "yes" } })
            .ShouldBe(0.5, 1e-12);
        Probability(asia,
            new Question { Targets = ["smoke"], Evidence = new Dictionary<string, string> { ["lung"] = "yes" } })
            .ShouldBe(0.1 / 0.11, 1e-12);
        Explanation joint = asia.Answer(new Question { Targets = ["smoke", "lung"] });
        joint.Tables[0].Rows.Select(r => r[2].ToJson().GetValue<double>()).ToArray()[1].ShouldBe(0.5 * 0.9, 1e-12);
        asia.Answer(new Question { MostProbable = true }).Tables[0].Rows.Select(r => r[1].ToString())
            .ShouldBe(["no", "no", "no", "no", "no", "no", "no", "no"]);
    }

    [Fact]
    public void Mistakes_in_questions_are_told_with_what_was_meant()
    {
        using BayesianNetworkModel asia = Asia();
        static Dictionary<string, string> Given(string name, string value) => new() { [name] = value };
        void Fails(Question question, string message) =>
            Should.Throw<AtelierException>(() => asia.Answer(question)).ToLine().ShouldContain(message);
        Fails(new Question { Targets = ["lugn"] }, "did you mean 'lung'?");
        Fails(new Question { Evidence = Given("smoke", "yess") }, "did you mean 'yes'?");
        Fails(new Question { Evidence = new Dictionary<string, string> { ["lung"] = "yes", ["either"] = "no" } },
            "probability zero: lung=yes, either=no");
        Fails(new Question { Targets = ["lung"], Evidence = Given("lung", "yes") },
            "queried and also given as evidence");
        Fails(new Question { Evidence = Given("lung", "yes"), Interventions = Given("lung", "no") },
            "set to one value and observed to have another");
        var request =
            new GenerationRequest { Evidence = new Dictionary<string, string> { ["tub"] = "yes", ["either"] = "no" } };
        Should.Throw<AtelierException>(() =>
            asia.GenerateAsync(request).ToBlockingEnumerable().Count()).Message.ShouldContain("probability zero");
    }

    [Fact]
    public void What_is_explained_has_each_edge_with_the_information_that_enumeration_gives()
    {
        DiscreteNetwork network = Networks.Random(4, 21);
        IReadOnlyList<EdgeStrength> edges = EdgeStrength.Of(new NetworkInference(network));
        edges.Count.ShouldBe(network.Graph.Edges.Count());
        (byte[] States, double Probability)[] all = [.. Networks.Enumerate(network)];
        foreach (EdgeStrength edge in edges)
        {
            int[] others = [.. network.Graph.Parents(edge.Child).Where(p => p != edge.Parent)];
            double P(byte[] states, params int[] fixedOnes) =>
                all.Where(r => fixedOnes.All(v => r.States[v] == states[v])).Sum(r => r.Probability);
            double expected = all.Sum(r => r.Probability * Math.Log(
                P(r.States, [.. others, edge.Parent, edge.Child]) * P(r.States,
                    others) / (P(r.States, [.. others, edge.Parent]) * P(r.States, [.. others, edge.Child]))));
            edge.Information.ShouldBe(expected, 1e-9);
        }
    }

    [Theory]
    [InlineData("model.structure=given", "model.edges=[a->b, b->c, c->a]", "a -> b -> c -> a")]
    [InlineData("model.structure=given", "model.edges=[a->d]", "'d', which is not a column")]
    [InlineData("model.structure=given", "model.edges=[a-b]", "'a-b' is not an edge")]
    [InlineData("model.structure=hill-climbing", "model.edges=[a->b]", "the structure is learned")]
    [InlineData("model.score=bdeu", "model.equivalentSampleSize=0", "needs an equivalent sample size")]
    public async Task A_recipe_that_cannot_be_is_told(string one, string other, string message) =>
        (await Should.ThrowAsync<AtelierException>(() => Train(Rows(50), "run", one, other))).ToLine()
            .ShouldContain(message);

    [Theory]
    [InlineData(1, "has one value only, 'v0'")]
    [InlineData(10_000, "10000 states")]
    public async Task A_column_of_one_value_or_of_ten_thousand_is_told(int values, string message)
    {
        string rows = "a,b\n" + string.Concat(Enumerable.Range(0, 12_000).Select(i => $"v{i % values},{i % 2}\n"));
        (await Should.ThrowAsync<AtelierException>(() => Train(rows, "run", "data.split=none"))).ToLine()
            .ShouldContain(message);
    }

    [Fact]
    public async Task Numbers_become_quantiles_and_are_refused_where_they_are_to_stay_numbers()
    {
        string rows = "x,y\n" + string.Concat(Enumerable.Range(0, 90).Select(i => $"{i},{i % 2}\n"));
        await Train(rows, "run", "data.split=none");
        using var data = (Atelier.Data.Tables.TableData)new Workshop().OpenData(_folder["run"]);
        data.Schema.Columns[0].Cuts.Count.ShouldBe(4);
        data.Notes.ShouldContain(note =>
            note.StartsWith("Discretised column x by quantiles", StringComparison.Ordinal));
        (await Should.ThrowAsync<AtelierException>(() => Train(rows, "none", "data.table.discretise=none"))).ToLine()
            .ShouldContain("data.table.discretise");
    }

    [Fact]
    public void A_bif_file_becomes_a_bundle_and_a_bif_file_again()
    {
        string bif = DataFolder.File("networks", "asia.bif.gz");
        new Workshop().Import(bif, null, _folder["asia"]);
        new Workshop().Export(_folder["asia"], "bif", _folder["again.bif"]);
        BifFile.Text(BifFile.Read(_folder["again.bif"])).ShouldBe(BifFile.Text(BifFile.Read(bif)));
        Should.Throw<AtelierException>(() =>
            new Workshop().Export(_folder["asia"], "biff", _folder["x"])).Hint!.ShouldContain("bif");
    }

    [Fact]
    public async Task A_damaged_bundle_is_told()
    {
        await Train(Rows(100), "run");
        string config = _folder["run/bundle/config.json"];
        File.WriteAllText(config,
            System.Text.RegularExpressions.Regex.Replace(File.ReadAllText(config), "\"parents\": \\[.*?\\n  \\]",
            "\"parents\": [[9],[],[]]", System.Text.RegularExpressions.RegexOptions.Singleline));
        Should.Throw<AtelierException>(() => new Workshop().Open(_folder["run"])).Message.ShouldContain("parents");
    }

    private static double Probability(BayesianNetworkModel model, Question question) =>
        model.Answer(question).Tables[0].Rows[0][2].ToJson().GetValue<double>();

    private static BayesianNetworkModel Asia()
    {
        DiscreteNetwork network = Networks.Published("asia");
        return new BayesianNetworkModel(NetworkRows.Schema(network), network, new BayesianNetworkConfig());
    }

    private Task Train(string rows, string run, params string[] overrides)
    {
        string path = _folder.Write("rows.csv", rows);
        Recipe recipe = RecipeReader.Parse("", "test", ModelFamilies.All,
            [$"data.source={path}", "model.family=bayesian-network", .. overrides]);
        return new Workshop().TrainAsync(recipe, new(_folder[run]));
    }

    // a → b → c, all noisy.
    private static string Rows(int count)
    {
        var random = new SplitMix64(7);
        return "a,b,c\n" + string.Concat(Enumerable.Range(0, count).Select(_ =>
        {
            bool a = random.NextDouble() < 0.4, b = random.NextDouble() < 0.9 ? a : !a, c = random.NextDouble() < 0.8
                ? b : !b;
            return $"{(a ? "yes" : "no")},{(b ? "yes" : "no")},{(c ? "yes" : "no")}\n";
        }));
    }
}
