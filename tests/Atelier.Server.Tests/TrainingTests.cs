using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>
/// Trainings that requests start: each is a process, which is watched, stopped and continued, and loses nothing when
/// it is killed, or its server.
/// </summary>
public sealed class TrainingTests
{
    private const string Settings = """
        name: sums
        model: {family: gpt, layerCount: 1, headCount: 2, hiddenSize: 16, contextLength: 16, dropout: 0.2}
        training:
          steps: STEPS
          batchSize: 4
          checkpointEvery: 20
          sampleEvery: 0
          threads: 1
          device: cpu
        evaluation: {samples: 0, bootstrapSamples: 10}
        data:
          source: DATA
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task From_an_upload_to_a_served_model()
    {
        await using TestServer server = await TestServer.StartAsync(trains: true);
        JsonNode studio = await server.GetAsync("v1/atelier/studio", Cancellation);
        ((bool)studio["trains"]!).ShouldBeTrue();
        ((long)studio["most_upload_bytes"]!).ShouldBe(1L << 30);
        string data = await UploadAsync(server), id = await StartAsync(server, data, 100_000);

        JsonNode running = await UntilAsync(server, id, run => (long?)run["progress"]?["step"] >= 20
            && run["progress"]!["seconds_left"] is not null);
        ((string)running["status"]!).ShouldBe("running");
        ((string)running["data"]!).ShouldBe(data);
        ((long)running["progress"]!["total"]!).ShouldBe(100_000);
        ((double)running["progress"]!["seconds_left"]!).ShouldBeGreaterThan(1);
        ((string)running["progress"]!["unit"]!).ShouldBe("tokens");
        ((double)running["progress"]!["per_second"]!).ShouldBeGreaterThan(1);
        ((string)running["recipe_yaml"]!).ShouldContain($"source: {data}");
        running["log"]!.AsArray().ShouldNotBeEmpty();
        running.ToJsonString().ShouldNotContain(server.At("uploads"), Case.Sensitive, "no folder of this machine");
        (await StatusAsync(server, HttpMethod.Delete, $"data/{data}")).ShouldBe(409, "its data are in use");
        (await StatusAsync(server, HttpMethod.Post, $"runs/{id}/resume")).ShouldBe(409);
        string waiting = await StartAsync(server, data, 10);
        ((string)(await RunAsync(server, waiting))["status"]!).ShouldBe("queued");
        (await StatusAsync(server, HttpMethod.Post, $"runs/{waiting}/stop")).ShouldBe(202);
        ((string)(await RunAsync(server, waiting))["status"]!).ShouldBe("interrupted");

        (await StatusAsync(server, HttpMethod.Post, $"runs/{id}/stop")).ShouldBe(202);
        (await StatusAsync(server, HttpMethod.Post, $"runs/{id}/stop")).ShouldBe(202, "asking twice loses nothing");
        JsonNode stopped = await UntilAsync(server, id, run => (string)run["status"]! != "running");
        ((string)stopped["status"]!).ShouldBe("interrupted", stopped["log"]!.ToJsonString());
        Directory.EnumerateDirectories(Path.Combine(server.At("runs"), "sums", "checkpoints")).ShouldNotBeEmpty();
        (await StatusAsync(server, HttpMethod.Post, $"runs/{id}/stop")).ShouldBe(409);

        string recipe = Path.Combine(server.At("runs"), "sums", "recipe.yaml");
        long step = (long)stopped["steps"]!;
        await File.WriteAllTextAsync(recipe, (await File.ReadAllTextAsync(recipe, Cancellation))
            .Replace("steps: 100000", $"steps: {step + 5}", StringComparison.Ordinal), Cancellation);
        (await StatusAsync(server, HttpMethod.Post, $"runs/{id}/resume")).ShouldBe(202);
        JsonNode finished = await UntilAsync(server, id, run => (string)run["status"]! is not ("running" or "queued"));
        ((string)finished["status"]!).ShouldBe("finished", finished["log"]!.ToJsonString());
        ((string)finished["model"]!).ShouldBe("sums");
        JsonNode card = await server.GetAsync($"v1/atelier/runs/{id}/card", Cancellation);
        ((string)card["model"]!).ShouldBe("sums");
        ((string)card["recipe_yaml"]!).ShouldContain($"source: {data}");
        (await StatusAsync(server, HttpMethod.Post, $"runs/{id}/resume")).ShouldBe(409);
        JsonNode models = await server.GetAsync("v1/models", Cancellation);
        models["data"]!.AsArray().Select(model => (string)model!["id"]!).ShouldBe(["sums", "tiny"]);
        (int status, JsonNode answer) = await server.PostAsync("v1/completions",
            """{"model":"sums","prompt":"1","max_tokens":5}""", Cancellation);
        status.ShouldBe(200, answer.ToJsonString());
        (await StatusAsync(server, HttpMethod.Delete, $"data/{data}")).ShouldBe(204);
    }

    [Fact]
    public async Task A_training_that_is_killed_resumes_to_the_weights_of_one_never_broken()
    {
        const int steps = 300;
        await using TestServer server = await TestServer.StartAsync(new ServerOptions { TrainingQueueLength = 1 },
            trains: true);
        string data = await UploadAsync(server), killed = await StartAsync(server, data, steps, "killed");
        await UntilAsync(server, killed, _ => Directory.Exists(
            Path.Combine(server.At("runs"), "killed", "checkpoints", "step-40")));
        Kill(server, killed);
        JsonNode broken = await UntilAsync(server, killed, run => (string)run["status"]! != "running");
        ((string)broken["status"]!).ShouldBe("interrupted", "it was to be killed before it ended");
        broken["failure"].ShouldBeNull();
        (await StatusAsync(server, HttpMethod.Post, $"runs/{killed}/resume")).ShouldBe(202);
        string whole = await StartAsync(server, data, steps, "whole");
        (int status, JsonNode full) = await PostAsync(server, data, steps, "third");
        status.ShouldBe(409, "one runs, one waits");
        ((string)full["error"]!["code"]!).ShouldBe("queue_full");
        foreach (string id in (string[])[killed, whole])
        {
            JsonNode run = await UntilAsync(server, id, run => (string)run["status"]! is not ("running" or "queued"));
            ((string)run["status"]!).ShouldBe("finished", run["log"]!.ToJsonString());
        }
        Weights("killed").ShouldBe(Weights("whole"));

        byte[] Weights(string run) =>
            File.ReadAllBytes(Path.Combine(server.At("runs"), run, "bundle", "model.safetensors"));
    }

    [Fact]
    public async Task A_server_that_is_killed_loses_no_training_and_the_next_one_finds_it()
    {
        using var folder = new TemporaryFolder();
        string id;
        using (ToolServer server = await ToolServer.StartAsync(folder))
        {
            id = await StartAsync(server.Http, await UploadAsync(server.Http), 100_000, "lasting");
            string waiting = await StartAsync(server.Http, "world:stories-en", 5, "waiting");
            await UntilAsync(server.Http, id, run => (long?)run["progress"]?["step"] >= 20);
            server.Kill();
            using ToolServer next = await ToolServer.StartAsync(folder);
            JsonNode run = await UntilAsync(next.Http, id, run => (long?)run["progress"]?["step"] > 20);
            ((string)run["status"]!).ShouldBe("running", "it goes on without its server");
            long step = (long)run["progress"]!["step"]!;
            await UntilAsync(next.Http, id, run => (long?)run["progress"]?["step"] > step);
            (await StatusAsync(next.Http, HttpMethod.Post, $"runs/{id}/stop")).ShouldBe(202);
            await UntilAsync(next.Http, id, run => (string)run["status"]! == "interrupted");
            JsonNode last = await UntilAsync(next.Http, waiting, run => (string)run["status"]! != "queued");
            ((string)last["status"]!).ShouldBe("running", "what waited begins");
            (await StatusAsync(next.Http, HttpMethod.Post, $"runs/{waiting}/stop")).ShouldBe(202);
            await UntilAsync(next.Http, waiting, run => (string)run["status"]! != "running");
        }
    }

    [Fact]
    public async Task A_training_that_fails_says_why()
    {
        await using TestServer server = await TestServer.StartAsync(trains: true);
        (_, JsonNode upload) = await server.UploadAsync([("short.txt", "x"u8.ToArray())], cancellation: Cancellation);
        string id = await StartAsync(server, (string)upload["id"]!, 10);
        JsonNode run = await UntilAsync(server, id, run => (string)run["status"]! is not ("running" or "queued"));
        ((string)run["status"]!).ShouldBe("failed", run.ToJsonString());
        ((string)run["failure"]!).ShouldNotBeNullOrWhiteSpace();
        ((string)run["failure"]!).ShouldNotContain(server.At(""));
    }

    [Fact]
    public async Task A_trainer_that_is_missing_fails_and_a_second_server_starts_none()
    {
        await using TestServer server = await TestServer.StartAsync(
            new ServerOptions { Trainer = new TrainingCommand("/nowhere/at-all") });
        string id = await StartAsync(server, "world:stories-en", 10);
        JsonNode run = await UntilAsync(server, id, run => (string)run["status"]! is not ("running" or "queued"));
        ((string)run["status"]!).ShouldBe("interrupted");
        run["log"]!.ToJsonString().ShouldContain("/nowhere/at-all");
        await using ModelServer second = await ModelServer.StartAsync(server.Workshop, new ServerOptions
        {
            Port = 0, RunsFolder = server.At("runs"), Trainer = TestServer.Tool(server.At("home")),
        });
        using var http = new HttpClient { BaseAddress = second.Address };
        string studio = await http.GetStringAsync("v1/atelier/studio", Cancellation);
        studio.ShouldContain("\"trains\":false");
        (await http.GetStringAsync($"v1/atelier/runs/{id}", Cancellation)).ShouldContain("/nowhere/at-all");
        (await StatusAsync(http, HttpMethod.Post, $"runs/{id}/resume")).ShouldBe(403);
    }

    [Theory]
    [InlineData("""{}""", 400, "recipe_yaml")]
    [InlineData("""{"recipe_yaml":7}""", 400, "recipe_yaml")]
    [InlineData("""{"recipe_yaml":"a: ["}""", 400, "recipe_yaml")]
    [InlineData("""{"recipe_yaml":"training: {steps: 0}"}""", 400, "training.steps")]
    [InlineData("""{"recipe_yaml":"data: {source: /etc/passwd}"}""", 400, "data.source")]
    [InlineData("""{"recipe_yaml":"training: {from: /etc}"}""", 400, "training.from")]
    [InlineData("""{"recipe_yaml":"","name":""}""", 400, "name")]
    [InlineData("""{"recipe_yaml":"","name":"a\nb"}""", 400, "name")]
    [InlineData("""{"recipe_yaml":"","folder":"/tmp"}""", 400, "folder")]
    public async Task A_wrong_training_is_refused(string body, int status, string param)
    {
        await using TestServer server = await TestServer.StartAsync(trains: true);
        (int answered, JsonNode answer) = await server.PostAsync("v1/atelier/runs", body, Cancellation);
        answered.ShouldBe(status, answer.ToJsonString());
        ((string?)answer["error"]!["param"]).ShouldBe(param, answer.ToJsonString());
        foreach (string what in (string[])["stop", "resume"])
            (await StatusAsync(server, HttpMethod.Post, $"runs/..%2F..%2Fx/{what}")).ShouldBe(404);
        Directory.Exists(server.At("runs")).ShouldBeFalse("nothing was begun");
    }

    private static Task<string> UploadAsync(TestServer server) => UploadAsync(server.Http);

    private static async Task<string> UploadAsync(HttpClient http)
    {
        string text = string.Concat(Enumerable.Range(0, 300).Select(i => $"{i} and {i + 1} make {(2 * i) + 1}.\n\n"));
        using var form = new MultipartFormDataContent();
        using var part = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        form.Add(part, "file", "sums.txt");
        using HttpResponseMessage response = await http.PostAsync("v1/atelier/data", form, Cancellation);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!;
        return (string)answer["id"]!;
    }

    private static Task<string> StartAsync(TestServer server, string data, int steps, string? name = null) =>
        StartAsync(server.Http, data, steps, name);

    private static async Task<string> StartAsync(HttpClient http, string data, int steps, string? name = null)
    {
        (int status, JsonNode answer) = await PostAsync(http, data, steps, name);
        status.ShouldBe(202, answer.ToJsonString());
        return (string)answer["id"]!;
    }

    private static Task<(int Status, JsonNode Answer)> PostAsync(TestServer server, string data, int steps,
        string? name) => PostAsync(server.Http, data, steps, name);

    private static async Task<(int Status, JsonNode Answer)> PostAsync(HttpClient http, string data, int steps,
        string? name)
    {
        var body = new JsonObject
        {
            ["recipe_yaml"] = Settings.Replace("STEPS", $"{steps}", StringComparison.Ordinal)
                .Replace("DATA", data, StringComparison.Ordinal),
            ["name"] = name,
        };
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync("v1/atelier/runs", content, Cancellation);
        return ((int)response.StatusCode,
            JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!);
    }

    private static Task<JsonNode> RunAsync(TestServer server, string id) =>
        server.GetAsync($"v1/atelier/runs/{id}", Cancellation);

    private static Task<JsonNode> UntilAsync(TestServer server, string id, Func<JsonNode, bool> isEnough) =>
        UntilAsync(server.Http, id, isEnough);

    private static async Task<JsonNode> UntilAsync(HttpClient http, string id, Func<JsonNode, bool> isEnough)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var run = JsonNode.Parse(await http.GetStringAsync($"v1/atelier/runs/{id}", Cancellation))!;
            if (isEnough(run))
                return run;
            watch.Elapsed.ShouldBeLessThan(Patience, run.ToJsonString());
            await Task.Delay(50, Cancellation);
        }
    }

    private static Task<int> StatusAsync(TestServer server, HttpMethod method, string path) =>
        StatusAsync(server.Http, method, path);

    private static async Task<int> StatusAsync(HttpClient http, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, $"v1/atelier/{path}");
        using HttpResponseMessage response = await http.SendAsync(request, Cancellation);
        return (int)response.StatusCode;
    }

    private static void Kill(TestServer server, string id)
    {
        string facts = File.ReadAllText(Path.Combine(server.At("runs"), ".trainings", id, "training.json"));
        using var process = Process.GetProcessById((int)JsonNode.Parse(facts)!["Process"]!["Id"]!);
        process.Kill();
        process.WaitForExit();
    }
}
