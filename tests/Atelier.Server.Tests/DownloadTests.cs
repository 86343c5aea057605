using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Server.Api;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>Models as files: what is downloaded is the model that the server serves.</summary>
public sealed class DownloadTests : IDisposable
{
    private const string Prompt = "Once";
    private const long Seed = 7;
    private const int MostTokens = 24;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_bundle_has_the_bundles_own_files_and_generates_the_same()
    {
        await using TestServer server = await TestServer.StartAsync();
        File.WriteAllText(Path.Combine(server.ModelFolder, "notes.txt"), "not of the bundle");
        Directory.CreateDirectory(Path.Combine(server.ModelFolder, "more"));
        File.WriteAllText(Path.Combine(server.ModelFolder, "more", "config.json"), "{}");
        using HttpResponseMessage answer = await server.Http.GetAsync("v1/atelier/models/tiny/bundle", Cancellation);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/zip");
        answer.Content.Headers.ContentDisposition!.FileName.ShouldBe("tiny.zip");
        using (var zip = new ZipArchive(await answer.Content.ReadAsStreamAsync(Cancellation)))
        {
            zip.Entries.Select(entry => entry.FullName).ShouldBe(["tiny/config.json", "tiny/generation_config.json",
                "tiny/model.safetensors", "tiny/tokenizer.json"]);
            await zip.ExtractToDirectoryAsync(_folder.Path, Cancellation);
        }
        (await GeneratedAsync(server.Workshop, _folder["tiny"])).ShouldBe(await ServedAsync(server));
    }

    [Fact]
    public async Task A_GGUF_file_opens_generates_the_same_and_leaves_nothing_behind()
    {
        string name = "gguf-" + Identifiers.New()[..8];
        TestServer.WriteModel(_folder["own"]);
        await using TestServer server = await TestServer.StartAsync(others: (name, _folder["own"]));
        string address = $"v1/atelier/models/{name}/gguf";
        string path = _folder.Write("a.gguf", await server.Http.GetByteArrayAsync(address, Cancellation));
        GgufFile.Open(path).Text("general.architecture").ShouldBe("llama");
        (await GeneratedAsync(server.Workshop, path)).ShouldBe(await ServedAsync(server, name));
        byte[] small = await server.Http.GetByteArrayAsync(address + "?type=f16", Cancellation);
        small.Length.ShouldBeLessThan((int)new FileInfo(path).Length);
        Directory.EnumerateDirectories(Path.GetTempPath(), "atelier-*")
            .Any(folder => File.Exists(Path.Combine(folder, name + ".gguf"))).ShouldBeFalse();
        (await ErrorAsync(server, address + "?type=q99")).Status.ShouldBe(400);
    }

    [Fact]
    public async Task A_model_in_one_file_is_sent_as_it_is()
    {
        TestServer.WriteModel(_folder["own"]);
        string path = new Workshop().Export(_folder["own"], "gguf", _folder["one.gguf"]);
        await using TestServer server = await TestServer.StartAsync(others: ("one", path));
        (await server.Http.GetByteArrayAsync("v1/atelier/models/one/gguf", Cancellation))
            .ShouldBe(File.ReadAllBytes(path));
        (await ErrorAsync(server, "v1/atelier/models/one/bundle")).ShouldBe((400, "not_a_bundle"));
    }

    [Fact]
    public async Task What_cannot_be_downloaded_is_one_clear_answer()
    {
        await using TestServer server = await TestServer.StartAsync(others: [("two", _folder["two"]),
            ("gone", _folder["gone"])]);
        await TrainedRuns.AddAsync(server, _folder, "two", 2, evaluates: false);
        (await ErrorAsync(server, "v1/atelier/models/two/gguf")).ShouldBe((400, "no_gguf"));
        (await ErrorAsync(server, "v1/atelier/models/nobody/gguf")).ShouldBe((404, "model_not_found"));
        (await ErrorAsync(server, "v1/atelier/models/..%2Ftiny/bundle")).ShouldBe((404, "model_not_found"));
        using HttpResponseMessage answer = await server.Http.GetAsync("v1/atelier/models/gone/bundle", Cancellation);
        string text = await answer.Content.ReadAsStringAsync(Cancellation);
        answer.IsSuccessStatusCode.ShouldBeFalse();
        text.ShouldContain("no such folder");
        text.ShouldNotContain(_folder.Path);
    }

    [Theory]
    [InlineData("v1/atelier/models/tiny/bundle")]
    [InlineData("v1/atelier/models/tiny/gguf")]
    [InlineData("v1/atelier/compare?model=tiny&model=tiny")]
    [InlineData("v1/atelier/runs/abcd/card")]
    [InlineData("v1/atelier/runs/abcd/report")]
    public async Task A_key_is_needed(string path)
    {
        await using TestServer server =
            await TestServer.StartAsync(new ServerOptions { Keys = ApiKeys.Of("a-key-of-the-owner") });
        (await ErrorAsync(server, path)).ShouldBe((401, "invalid_api_key"));
    }

    [Theory]
    [InlineData("tiny", "tiny")]
    [InlineData("../a/b", "_a_b")]
    [InlineData("故事 1.2", "故事_1.2")]
    [InlineData("a\"b\r\n", "a_b__")]
    [InlineData("..", "model")]
    public void A_file_is_named_after_its_model(string model, string file) =>
        DownloadsEndpoint.FileNameOf(model).ShouldBe(file);

    private static async Task<string> GeneratedAsync(Workshop workshop, string path)
    {
        using ITrainedModel model = workshop.Open(path, new OpenOptions { Device = "cpu" });
        var request = new GenerationRequest
        {
            Prompt = Prompt, Seed = Seed,
            Decoding = model.Require<ITextGenerator>().Defaults with { MaxTokens = MostTokens },
        };
        string text = "";
        await foreach (Sample sample in model.Require<IGenerator>().GenerateAsync(request, Cancellation))
            text += sample.ToJson()["text"];
        return text;
    }

    private static async Task<string> ServedAsync(TestServer server, string model = "tiny")
    {
        (int status, JsonNode answer) = await server.PostAsync("v1/atelier/generate",
            $$"""{"model":"{{model}}","prompt":"{{Prompt}}","seed":{{Seed}},"max_tokens":{{MostTokens}}}""",
            Cancellation);
        status.ShouldBe(200, answer.ToJsonString());
        string text = (string)answer["samples"]![0]!["text"]!;
        text.Length.ShouldBeGreaterThan(Prompt.Length);
        return text;
    }

    private static async Task<(int Status, string Code)> ErrorAsync(TestServer server, string path)
    {
        using HttpResponseMessage answer = await server.Http.GetAsync(path, Cancellation);
        JsonNode error = (await answer.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["error"]!;
        return ((int)answer.StatusCode, (string?)error["code"] ?? "");
    }
}
