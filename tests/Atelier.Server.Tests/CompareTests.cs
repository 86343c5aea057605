using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Evaluation;
using Atelier.Runs;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>Models side by side: their figures, the paired test, and the same requests to each.</summary>
public sealed class CompareTests : IDisposable
{
    private const string Compare = "v1/atelier/compare";

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Figures_are_those_of_the_runs_and_the_test_is_the_librarys()
    {
        await using TestServer server = await TestServer.StartAsync(others: [("two", _folder["two"]),
            ("three", _folder["three/bundle"])]);
        RunRecord two = await TrainedRuns.AddAsync(server, _folder, "two", 2);
        RunRecord three = await TrainedRuns.AddAsync(server, _folder, "three", 3);
        JsonNode[] runs = await RunsOfAsync(server, $"?runs={two.Id},{three.Id}");
        runs.Select(run => (string?)run["run"]).ShouldBe([two.Id, three.Id]);
        runs.Select(run => (string?)run["model"]).ShouldBe(["two", "three"]);
        foreach ((JsonNode run, string name) in runs.Zip(["two", "three"]))
        {
            JsonNode report = JsonNode.Parse(File.ReadAllText(_folder[$"{name}/report.json"]))!;
            JsonObject stored = report["metrics"]!.AsObject();
            run["figures"]!.AsObject().Select(pair => pair.Key).ShouldBe(stored.Select(pair => pair.Key));
            foreach ((string metric, JsonNode? figure) in stored)
            {
                foreach (string end in (string[])["value", "low", "high"])
                    ((double)run["figures"]![metric]![end]!).ShouldBe((double)figure![end]!);
            }
            ((string)run["data"]!).ShouldBe("lines.txt, test part");
        }
        runs[0]["difference"].ShouldBeNull();
        PairedBootstrap test = PairedBootstrap.Of(Scores("three"), Scores("two"), score => score.Quotient, 1000, 1, "");
        JsonNode difference = runs[1]["difference"]!;
        (double, double, double, double) expected =
            (test.Difference.Value, test.Difference.Low, test.Difference.High, test.PValue);
        ((double)difference["value"]!, (double)difference["low"]!, (double)difference["high"]!,
            (double)difference["p_value"]!).ShouldBe(expected);
        ((string)difference["basis"]!).ShouldBe("paired");
        ((string)difference["outcome"]!).ShouldBe("beaten", "an order more knows more of these lines");
        ((string)runs[1]["sentence"]!).ShouldStartWith("the first of them is better on the same held-out data, by -");

        JsonNode[] named = await RunsOfAsync(server, "?model=three&model=two");
        ((string)named[0]["run"]!).ShouldBe(three.Id);
        ((double)named[1]["difference"]!["value"]!).ShouldBe(-test.Difference.Value, 1e-12);
        ((string)named[1]["difference"]!["outcome"]!).ShouldBe("not_beaten");
    }

    [Fact]
    public async Task What_cannot_be_paired_is_said()
    {
        await using TestServer server = await TestServer.StartAsync(others: ("two", _folder["two"]));
        await TrainedRuns.AddAsync(server, _folder, "two", 2);
        JsonNode[] runs = await RunsOfAsync(server, "?model=two&model=tiny");
        runs[1]["figures"].ShouldBeNull();
        runs[1]["difference"].ShouldBeNull();
        ((string)runs[1]["sentence"]!).ShouldContain("was not evaluated");
    }

    [Theory]
    [InlineData("", 400, "allowed: 2 to 4")]
    [InlineData("?model=tiny", 400, "allowed: 2 to 4")]
    [InlineData("?runs=a,b,c,d,e", 404, "no run 'a'")]
    [InlineData("?runs=../../etc,/tmp", 404, "no run '../../etc'")]
    [InlineData("?model=tiny&model=nobody", 404, "'nobody' does not exist")]
    [InlineData("?model=tiny&runs=abcd", 400, "either 'runs' or 'model'")]
    [InlineData("?model=tiny&model=tiny", 400, "with itself")]
    public async Task A_wrong_name_is_one_clear_answer(string query, int status, string message)
    {
        await using TestServer server = await TestServer.StartAsync();
        using HttpResponseMessage answer = await server.Http.GetAsync(Compare + query, Cancellation);
        ((int)answer.StatusCode).ShouldBe(status);
        JsonNode error = (await answer.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["error"]!;
        ((string)error["message"]!).ShouldContain(message);
    }

    [Fact]
    public async Task The_same_request_has_the_same_answer_on_both_sides()
    {
        TestServer.WriteModel(_folder["twin"]);
        await using TestServer server = await TestServer.StartAsync(others: ("twin", _folder["twin"]));
        string[][] answers = await Task.WhenAll(((string[])["tiny", "twin"]).Select(async model =>
        {
            var texts = new List<string>();
            foreach (int seed in (int[])[1, 2])
            {
                (int status, JsonNode answer) = await server.PostAsync("v1/completions",
                    $$"""{"model":"{{model}}","prompt":"Once","max_tokens":20,"seed":{{seed}}}""", Cancellation);
                status.ShouldBe(200);
                texts.Add((string)answer["choices"]![0]!["text"]!);
            }
            return texts.ToArray();
        }));
        answers[0].ShouldBe(answers[1]);
        answers[0][0].ShouldNotBe(answers[0][1]);
    }

    [Fact]
    public async Task A_list_tells_the_kind_of_models_without_loading_them()
    {
        await using TestServer server = await TestServer.StartAsync(others: ("two", _folder["two"]));
        await TrainedRuns.AddAsync(server, _folder, "two", 2, evaluates: false);
        JsonNode list = (await server.Http.GetFromJsonAsync<JsonNode>("v1/models", Cancellation))!;
        list["data"]!.AsArray().Select(model => ((string)model!["id"]!, (string?)model["task"], (bool)model["loaded"]!))
            .ShouldBe([("tiny", "text", false), ("two", "text", false)]);
    }

    /// <summary>The scores of a run as its file has them, without the library's reader.</summary>
    private MeanScore[] Scores(string run)
    {
        using var file = JsonDocument.Parse(File.ReadAllText(_folder[$"{run}/scores.json"]));
        double[] Numbers(string name) =>
            [.. file.RootElement.GetProperty(name).EnumerateArray().Select(number => number.GetDouble())];
        return [.. Numbers("sums").Zip(Numbers("weights"), (sum, weight) => new MeanScore(sum, weight))];
    }

    private static async Task<JsonNode[]> RunsOfAsync(TestServer server, string query)
    {
        using HttpResponseMessage answer = await server.Http.GetAsync(Compare + query, Cancellation);
        JsonNode json = (await answer.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!;
        ((int)answer.StatusCode).ShouldBe(200, json.ToJsonString());
        return [.. json["runs"]!.AsArray().OfType<JsonNode>()];
    }
}
