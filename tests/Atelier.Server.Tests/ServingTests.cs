using System.Net;
using System.Text.Json.Nodes;

namespace Atelier.Server.Tests;

/// <summary>Many clients at once, long requests, full queues and the end of the server.</summary>
public sealed class ServingTests
{
    private const string Chat = "v1/chat/completions";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_of_many_clients_gets_the_answer_that_it_gets_alone_whatever_others_do()
    {
        const int clients = 60;
        await using TestServer server = await TestServer.StartAsync(new ServerOptions { Slots = 8 });
        var alone = new string[clients];
        for (int i = 0; i < clients; i++)
            alone[i] = await server.ChatAsync($"say {i % 10}", i);
        string?[] together = await Task.WhenAll(Enumerable.Range(0, clients).Select(i => Task.Run(async () =>
        {
            switch (i % 10)
            {
                case 3: // hangs up midway
                    using (var stopping = new CancellationTokenSource(TimeSpan.FromMilliseconds(1 + i)))
                    {
                        try
                        {
                            await server.PostAsync(Chat, TestServer.Body($"say {i}", i, 200).ToJsonString(),
                                stopping.Token);
                        }
                        catch (OperationCanceledException)
                        {
                            // as intended
                        }
                    }
                    return null;
                case 7: // sends rubbish
                    (await server.PostAsync(Chat, "{\"model\":[", Cancellation)).Status.ShouldBe(400);
                    return null;
                default:
                    return await server.ChatAsync($"say {i % 10}", i);
            }
        })));
        for (int i = 0; i < clients; i++)
            (together[i] ?? alone[i]).ShouldBe(alone[i], $"client {i}");
        for (int i = 0; i < 200 && server.Model.Queue.Running > 0; i++)
            await Task.Delay(25, Cancellation);
        server.Model.Queue.Running.ShouldBe(0);
        server.Model.Queue.Length.ShouldBe(0);
    }

    [Fact]
    public async Task A_full_queue_answers_429_with_a_time_to_come_back()
    {
        await using TestServer server = await TestServer.StartAsync(new ServerOptions { Slots = 1, QueueLength = 0 });
        await server.ChatAsync("x", 1); // loads the model
        using IDisposable held = await server.Model.Queue.EnterAsync(1, Cancellation);
        using var content = new StringContent(TestServer.Body("x", 1, 1).ToJsonString(), System.Text.Encoding.UTF8,
            "application/json");
        using HttpResponseMessage answer = await server.Http.PostAsync(Chat, content, Cancellation);
        answer.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        answer.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
        (await answer.Content.ReadAsStringAsync(Cancellation)).ShouldContain("queue_full");
    }

    [Fact]
    public async Task A_request_that_takes_too_long_is_ended()
    {
        await using TestServer server = await TestServer.StartAsync(
            new ServerOptions { RequestTimeout = TimeSpan.FromMilliseconds(300), Slots = 1 });
        using IDisposable held = await server.Model.Queue.EnterAsync(1, Cancellation);
        (int status, JsonNode answer) =
            await server.PostAsync(Chat, TestServer.Body("x", 1, 1).ToJsonString(), Cancellation);
        status.ShouldBe(503);
        ((string)answer["error"]!["code"]!).ShouldBe("timeout");
        server.Model.Queue.Length.ShouldBe(0);
    }

    [Fact]
    public async Task A_server_that_stops_lets_running_requests_finish_and_takes_no_new_ones()
    {
        await using TestServer server = await TestServer.StartAsync(new ServerOptions { Slots = 1 });
        string alone = await server.ChatAsync("x", 5);
        IDisposable held = await server.Model.Queue.EnterAsync(1, Cancellation);
        Task<string> running = server.ChatAsync("x", 5);
        while (server.Model.Queue.Length == 0)
            await Task.Delay(5, Cancellation);
        Task stopping = server.Server.StopAsync(Cancellation);
        using var fresh = new HttpClient { BaseAddress = server.Server.Address };
        await Should.ThrowAsync<HttpRequestException>(async () =>
        {
            for (int i = 0; i < 200; i++) // until the server has stopped listening
            {
                await fresh.GetAsync("health", Cancellation);
                await Task.Delay(10, Cancellation);
            }
        });
        held.Dispose();
        (await running).ShouldBe(alone);
        await stopping;
    }

    [Fact]
    public async Task Several_prompts_and_answers_are_numbered_through()
    {
        await using TestServer server = await TestServer.StartAsync();
        (int status, JsonNode answer) = await server.PostAsync("v1/completions", """
            {"model":"tiny","prompt":["ab","c"],"n":2,"max_tokens":6,"seed":4,"echo":true,"logprobs":2}
            """, Cancellation);
        status.ShouldBe(200);
        JsonArray choices = answer["choices"]!.AsArray();
        choices.Select(choice => (int)choice!["index"]!).ShouldBe([0, 1, 2, 3]);
        choices.Select(choice => ((string)choice!["text"]!)[..1]).ShouldBe(["a", "a", "c", "c"]);
        ((int)answer["usage"]!["prompt_tokens"]!).ShouldBe(5, "bytes, and a start token for each prompt");
        choices[0]!["logprobs"]!["tokens"]!.AsArray().Count
            .ShouldBe(choices[0]!["logprobs"]!["top_logprobs"]!.AsArray().Count);
        (int again, JsonNode alone) = await server.PostAsync("v1/completions", """
            {"model":"tiny","prompt":"c","max_tokens":6,"seed":5,"echo":true}
            """, Cancellation);
        again.ShouldBe(200);
        ((string)alone["choices"]![0]!["text"]!).ShouldBe((string)choices[2]!["text"]!,
            "the second prompt has the next seed");
    }

    [Fact]
    public async Task What_OpenAI_has_no_word_for_is_generated_too_and_figures_are_shown()
    {
        await using TestServer server = await TestServer.StartAsync();
        (int status, JsonNode answer) = await server.PostAsync("v1/atelier/generate",
            """{"model":"tiny","prompt":"ab","n":3,"seed":2,"max_tokens":4}""", Cancellation);
        status.ShouldBe(200, answer.ToJsonString());
        answer["samples"]!.AsArray().Count.ShouldBe(3);
        string options = await server.Http.GetStringAsync("v1/atelier/models/tiny", Cancellation);
        options.ShouldContain("\"temperature\"");
        string metrics = await server.Http.GetStringAsync("metrics", Cancellation);
        metrics.ShouldContain("atelier_running_samples");
        string document = await server.Http.GetStringAsync("openapi/v1.json", Cancellation);
        document.ShouldContain("/v1/chat/completions");
        (await server.Http.GetStringAsync("ready", Cancellation)).ShouldBe("ok");
        (await server.Http.GetStringAsync("docs/", Cancellation)).ShouldContain("scalar");
    }

    [Fact]
    public async Task Trainings_are_shown_by_their_ids_with_curves_and_samples()
    {
        await using TestServer server = await TestServer.StartAsync();
        string folder = Directory.CreateDirectory(Path.Combine(server.ModelFolder, "..", "run")).FullName;
        Directory.CreateDirectory(Path.Combine(folder, "samples"));
        await File.WriteAllTextAsync(Path.Combine(folder, "samples", "step-10.txt"), "Once", Cancellation);
        await File.WriteAllLinesAsync(Path.Combine(folder, "metrics.jsonl"),
            [
                .. Enumerable.Range(1, 2000).Select(step => $$"""{"step":{{step}},"loss":{{2000 - step}}}"""),
                "{\"step\":2",
            ], Cancellation);
        server.Workshop.History.Save(new Runs.RunRecord
        {
            Id = "abc", Folder = folder, Family = "gpt", Recipe = "quickstart", Started = DateTimeOffset.UtcNow,
            Status = "running", Steps = 2000, Metrics = new Dictionary<string, double> { ["loss"] = 1.5 },
        });
        JsonNode list = JsonNode.Parse(await server.Http.GetStringAsync("v1/atelier/runs", Cancellation))!;
        ((string)list["runs"]![0]!["status"]!).ShouldBe("interrupted", "nothing holds its folder");
        JsonNode run = JsonNode.Parse(await server.Http.GetStringAsync("v1/atelier/runs/abc", Cancellation))!;
        JsonArray curve = run["curves"]!["loss"]!.AsArray();
        curve.Count.ShouldBeInRange(400, 501);
        ((double)curve[^1]![0]!).ShouldBe(2000, "the last point is kept, and half a line is not read");
        ((string)run["samples"]![0]!["text"]!).ShouldBe("Once");
        using HttpResponseMessage none = await server.Http.GetAsync("v1/atelier/runs/..%2Fhome", Cancellation);
        none.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }
}
