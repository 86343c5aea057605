using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>Explanations over HTTP: of texts, of chains and networks, and of latents.</summary>
public sealed class ExplainTests
{
    private const string Path = "v1/atelier/explain";

    [Fact]
    public async Task A_text_is_explained_in_numbers_and_in_bytes()
    {
        await using TestServer server = await TestServer.StartAsync();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        (int status, JsonNode answer) = await server.PostAsync(Path,
            """{"model":"tiny","text":"hello","token":3,"alternatives":2}""", cancellation);
        status.ShouldBe(200, answer.ToJsonString());
        answer["tokens"]!.AsArray().Count.ShouldBe(6); // with the start token
        JsonNode prediction = answer["prediction"]!;
        ((string)prediction["token"]!["text"]!).ShouldBe("l");
        ((int)prediction["query"]!).ShouldBe(2);
        prediction["alternatives"]!.AsArray().Count.ShouldBe(2);
        prediction["occlusion"]!.AsArray().Select(one => (int)one!["position"]!).ShouldBe([1, 2]);
        JsonNode map = answer["attention"]!.AsArray().ShouldHaveSingleItem()!;
        int layers = (int)map["layers"]!, heads = (int)map["heads"]!;
        answer["lens"]!.AsArray().Count.ShouldBe(layers + 1);
        JsonArray row = map["weights"]![layers - 1]![heads - 1]![4]!.AsArray();
        row.Sum(weight => (double)weight!).ShouldBe(1, 1e-3);
        ((double)row[5]!).ShouldBe(0);

        (_, JsonNode inBytes) = await server.PostAsync(Path,
            """{"model":"tiny","text":"hello","occlusion":false,"encoding_format":"base64"}""", cancellation);
        inBytes["prediction"]!["occlusion"]!.AsArray().ShouldBeEmpty();
        float[] weights = MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(
            (string)inBytes["attention"]![0]!["weights"]![layers - 1]!)).ToArray();
        weights.Length.ShouldBe(heads * 6 * 6);
        ((double)weights[((heads - 1) * 6 + 4) * 6 + 2]).ShouldBe((double)row[2]!, 1e-5);
        JsonNode options = (await server.Http.GetFromJsonAsync<JsonNode>("v1/atelier/models/tiny", cancellation))!;
        options["explains"]!.ToJsonString().ShouldBe("""["text"]""");
    }

    [Theory]
    [InlineData("{}", 400, "text")]
    [InlineData("""{"text":"x"}""", 400, "model")]
    [InlineData("""{"model":"other","text":"x"}""", 404, "model")]
    [InlineData("""{"model":"tiny"}""", 400, "text")]
    [InlineData("""{"model":"tiny","text":5}""", 400, "text")]
    [InlineData("""{"model":"tiny","text":"x","token":9}""", 400, "token")]
    [InlineData("""{"model":"tiny","text":"x","token":"a"}""", 400, "token")]
    [InlineData("""{"model":"tiny","text":"x","target":"y"}""", 400, "target")]
    [InlineData("""{"model":"tiny","text":"x","alternatives":0}""", 400, "alternatives")]
    [InlineData("""{"model":"tiny","text":"x","encoding_format":"gif"}""", 400, "encoding_format")]
    [InlineData("""{"model":"tiny","text":"x","layers":3}""", 400, "layers")]
    public async Task A_wrong_field_is_named(string body, int status, string param)
    {
        await using TestServer server = await TestServer.StartAsync();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        (int answered, JsonNode answer) = await server.PostAsync(Path, body, cancellation);
        answered.ShouldBe(status, answer.ToJsonString());
        ((string?)answer["error"]!["param"] ?? "").ShouldBe(param, answer.ToJsonString());
        (int tooLong, JsonNode error) = await server.PostAsync(Path,
            $$"""{"model":"tiny","text":"{{new string('x', 300)}}"}""", cancellation);
        tooLong.ShouldBe(400);
        ((string)error["error"]!["message"]!).ShouldContain("at most 256");
        using HttpResponseMessage none =
            await server.Http.GetAsync("v1/atelier/models/tiny/explanation", cancellation);
        ((int)none.StatusCode).ShouldBe(400);
        (await none.Content.ReadAsStringAsync(cancellation)).ShouldContain("explained by a text");
    }

    [Fact]
    public async Task Chains_networks_and_latents_are_explained_by_what_they_have_learned()
    {
        using var folder = new TemporaryFolder();
        var workshop = new Workshop(new WorkshopOptions { Home = folder["home"] });
        await Train("chain", "shakespeare-hmm-8", "data.source=world:stories-en", "data.worldDocuments=1000",
            "model.stateCount=3", "model.iterations=2", "data.split.train=0.8", "data.split.test=0.1");
        await Train("network", "asia-structure");
        await Train("latents", "mnist-vae", "data.source=world:shapes", "data.worldDocuments=200",
            "model.latentSize=4", "model.channels=[8]", "training.steps=2", "training.batchSize=8",
            "training.device=cpu", "data.split.train=0.8", "data.split.test=0.1", "evaluation.features=none");
        await using TestServer server = await TestServer.StartAsync(null, null, false,
            [.. ((string[])["chain", "network", "latents"]).Select(name => (name, folder[name]))]);

        JsonNode chain = await Explanation("chain");
        JsonNode matrix = chain["transitions"]!;
        matrix["rows"]!.AsArray().Select(name => (string)name!).ShouldBe(["start", "0", "1", "2"]);
        foreach (JsonNode? row in matrix["cells"]!.AsArray())
            row!.AsArray().Sum(cell => (double)cell!).ShouldBe(1, 1e-6);
        (int status, JsonNode text) = await server.PostAsync(Path, """{"model":"chain","text":"the"}""");
        status.ShouldBe(200, text.ToJsonString());
        text["states"]!.AsArray().Select(row => row!.AsArray().Count).ShouldBe([0, 3, 3, 3]);
        text["states"]![1]!.AsArray().Sum(state => (double)state!).ShouldBe(1, 1e-3);

        JsonNode network = await Explanation("network");
        network["graph"]!["nodes"]!.AsArray().Count.ShouldBe(8);
        network["graph"]!["edges"]!.AsArray().Count.ShouldBeGreaterThan(4);
        network["tables"]!.AsArray().Select(table => (string)table!["name"]!).ShouldContain("strongest edges");
        (int refused, JsonNode error) = await server.PostAsync(Path, """{"model":"network","text":"x"}""");
        refused.ShouldBe(400);
        ((string)error["error"]!["message"]!).ShouldBe("the model 'network' does not explain texts");

        JsonNode traversal = (await Explanation("latents"))["traversal"]!;
        traversal["rows"]!.AsArray().Count.ShouldBe(4);
        Convert.FromBase64String((string)traversal["rows"]![0]!["b64"]!)[1..4].ShouldBe("PNG"u8.ToArray());

        async Task Train(string name, string recipe, params string[] settings) =>
            await workshop.TrainAsync(workshop.ReadRecipe(recipe, settings), new(folder[name]));

        async Task<JsonNode> Explanation(string name) => (await server.Http.GetFromJsonAsync<JsonNode>(
            $"v1/atelier/models/{name}/explanation", TestContext.Current.CancellationToken))!;
    }
}
