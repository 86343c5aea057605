using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Server.Api;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>The card of a run, and its report.</summary>
public sealed class CardTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_card_has_the_figures_of_the_report_and_no_path_of_this_machine()
    {
        await using TestServer server = await TestServer.StartAsync(others: ("three", _folder["three"]));
        RunRecord run = await TrainedRuns.AddAsync(server, _folder, "three", 3);
        JsonObject card = await CardAsync(server, run.Id);
        ((string)card["model"]!, (string)card["status"]!, (string)card["data"]!["source"]!)
            .ShouldBe(("three", "finished", "lines.txt"));
        card["data"]!["licence"].ShouldBeNull();
        card["downloads"]!.AsArray().Select(one => (string)one!).ShouldBe(["bundle"]);
        JsonNode stored = JsonNode.Parse(File.ReadAllText(_folder["three/report.json"]))!;
        JsonNode report = card["report"]!;
        foreach ((string metric, JsonNode? figure) in stored["metrics"]!.AsObject())
            ((double)report["figures"]![metric]!["value"]!).ShouldBe((double)figure!["value"]!);
        ((double)report["baselines"]!["ngram5"]!["crossEntropyPerCharacter"]!["value"]!)
            .ShouldBe((double)stored["baselines"]!["ngram5"]!["crossEntropyPerCharacter"]!["value"]!);
        ((string)report["comparisons"]!["ngram5"]!["basis"]!).ShouldBe("paired");
        report["picture"]!["b64"].ShouldNotBeNull();
        card["about"]!.AsArray().Count.ShouldBe(2, "what it is, and its limit");
        card["facts"]!.AsArray().Select(fact => (string)fact!["name"]!).ShouldContain("trained on");
        card.Remove("recipe_yaml"); // which names its data as its writer did
        card.ToJsonString().ShouldNotContain(_folder.Path);
        using HttpResponseMessage text = await server.Http.GetAsync($"v1/atelier/runs/{run.Id}/report", Cancellation);
        text.Content.Headers.ContentDisposition!.FileName.ShouldBe("three-report.md");
        string markdown = await text.Content.ReadAsStringAsync(Cancellation);
        markdown.ShouldStartWith("# Evaluation of three\n");
        markdown.ShouldNotContain(_folder.Path);
    }

    [Fact]
    public async Task A_run_that_is_not_finished_has_a_card_with_what_is_known()
    {
        await using TestServer server = await TestServer.StartAsync();
        CatalogueEntry entry = Catalogue.OfThisMachine().Entries[0];
        string recipe = _folder.Write("r.yaml", $"name: r\ndata:\n  source: {entry.Name}\nmodel:\n  family: ngram\n");
        Run.Create(_folder["begun"], server.Workshop.ReadRecipe(recipe)).Dispose();
        server.Workshop.History.Save(new RunRecord
        {
            Id = "begun123", Folder = _folder["begun"], Family = "ngram", Recipe = "r", Status = "interrupted",
            Started = DateTimeOffset.UtcNow,
        });
        JsonObject card = await CardAsync(server, "begun123");
        card["report"].ShouldBeNull();
        card["parameters"].ShouldBeNull();
        card["downloads"]!.AsArray().ShouldBeEmpty();
        ((string)card["data"]!["licence"]!).ShouldBe(entry.Licence);
        ((string)card["data"]!["files"]![0]!["sha256"]!).ShouldBe(entry.Files[0].Sha256);
        (await ErrorAsync(server, "v1/atelier/runs/begun123/report")).ShouldBe((404, "not_evaluated"));
        (await ErrorAsync(server, "v1/atelier/runs/nobody/card")).ShouldBe((404, "run_not_found"));
        (await ErrorAsync(server, "v1/atelier/runs/..%2F..%2Fetc/report")).ShouldBe((404, "run_not_found"));
    }

    [Fact]
    public void A_model_card_is_read_as_facts_and_paragraphs()
    {
        ModelCard card = ModelCard.Parse("""
            ---
            pipeline_tag: text-generation
            ---
            # tales

            A model of
            tales.

            | | |
            |---|---|
            | family | gpt |
            | trained on | a.txt, 9 tokens |
            | three | cells | here |

            It repeats.
            """);
        card.Facts.ShouldBe([("family", "gpt"), ("trained on", "a.txt, 9 tokens")]);
        card.Paragraphs.ShouldBe(["A model of tales.", "It repeats."]);
        ModelCard.Parse("").Paragraphs.ShouldBeEmpty();
    }

    private static async Task<JsonObject> CardAsync(TestServer server, string id) =>
        (await server.Http.GetFromJsonAsync<JsonObject>($"v1/atelier/runs/{id}/card", Cancellation))!;

    private static async Task<(int Status, string Code)> ErrorAsync(TestServer server, string path)
    {
        using HttpResponseMessage answer = await server.Http.GetAsync(path, Cancellation);
        JsonNode error = (await answer.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["error"]!;
        return ((int)answer.StatusCode, (string)error["code"]!);
    }
}
