using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Atelier.Server.Serving;

namespace Atelier.Server.Tests;

/// <summary>
/// Many clients for minutes, some of whom hang up or send rubbish. Run on demand: ATELIER_TEST_CLIENTS is the number of
/// clients, and ATELIER_TEST_SECONDS the time, 300 if it is not set.
/// </summary>
public sealed class LoadTests
{
    private const string Chat = "v1/chat/completions";
    private const int Questions = 40, Tokens = 24;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10); // of a pool thread or the health check
    private static readonly string[] Rubbish =
    [
        "{\"model\":[", "null", "\u0000", """{"model":"tiny"}""", """{"model":"tiny","messages":"x"}""",
        """{"model":"tiny","messages":[{"role":"user","content":"x"}],"temperature":-1}""",
    ];

    private readonly ConcurrentDictionary<string, int> _counts = new();
    private readonly ConcurrentBag<double> _seconds = [];
    private TimeSpan _longestThread, _longestHealth;
    private int _longestQueue, _mostRunning, _mostThreads;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_answer_of_many_clients_is_right_and_memory_threads_and_queue_stay_bounded()
    {
        int clients = Setting("ATELIER_TEST_CLIENTS", 0), seconds = Setting("ATELIER_TEST_SECONDS", 300);
        Assert.SkipWhen(clients == 0, "on demand: ATELIER_TEST_CLIENTS is not set");
        var options = new ServerOptions { QueueLength = Math.Max(1, clients / 2) };
        await using TestServer server = await TestServer.StartAsync(options);
        var alone = new string[Questions];
        for (int i = 0; i < Questions; i++)
            alone[i] = await server.ChatAsync($"say {i}", i, Tokens);
        var ended = Stopwatch.StartNew();
        var time = TimeSpan.FromSeconds(seconds);
        Task<long> early = Task.Delay(time / 4, Cancellation).ContinueWith(_ => Heap(), Cancellation,
            TaskContinuationOptions.None, TaskScheduler.Default);
        using var over = new CancellationTokenSource();
        Task watching = WatchAsync(server, over.Token);
        await Task.WhenAll(Enumerable.Range(0, clients).Select(i => Task.Run(async () =>
        {
            var random = new Random(i);
            while (ended.Elapsed < time)
                await (i % 10 == 3 ? HangUpAsync(server, random)
                    : i % 10 == 7 ? SendRubbishAsync(server, random)
                    : AskAsync(server, random, alone));
        })));
        for (int i = 0; i < 400 && (server.Model.Queue.Running > 0 || server.Model.Queue.Length > 0); i++)
            await Task.Delay(25, Cancellation);
        await over.CancelAsync();
        await watching;
        long before = await early, after = Heap();
        Report(clients, ended.Elapsed, before, after);

        (server.Model.Queue.Running, server.Model.Queue.Length).ShouldBe((0, 0));
        _counts.GetValueOrDefault("right").ShouldBeGreaterThan(0);
        _longestQueue.ShouldBeLessThanOrEqualTo(options.QueueLength);
        _mostRunning.ShouldBeLessThanOrEqualTo(options.Slots);
        _longestThread.ShouldBeLessThan(LongestWait, "a thread of the pool is free for work that comes");
        _longestHealth.ShouldBeLessThan(LongestWait);
        after.ShouldBeLessThan(before + (32 << 20), "memory does not grow with the number of requests");
    }

    /// <summary>Asks, and compares the answer with the one that the request has alone.</summary>
    private async Task AskAsync(TestServer server, Random random, string[] alone)
    {
        int question = random.Next(Questions);
        bool streams = random.Next(2) == 0;
        JsonObject body = TestServer.Body($"say {question}", question, Tokens);
        body["stream"] = streams;
        long began = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await PostAsync(server, body.ToJsonString(), Cancellation);
        if (response.StatusCode == HttpStatusCode.TooManyRequests)
        {
            response.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
            Count("queue full");
            await Task.Delay(random.Next(200, 1000), Cancellation);
            return;
        }
        string content = await response.Content.ReadAsStringAsync(Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, content);
        string text = streams ? string.Concat(content.Split("\n\n").Where(part => part.StartsWith("data: {",
            StringComparison.Ordinal)).Select(part => Text(JsonNode.Parse(part["data: ".Length..])!, "delta")))
            : Text(JsonNode.Parse(content)!, "message");
        text.ShouldBe(alone[question], $"question {question}");
        _seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
        Count("right");
    }

    private async Task HangUpAsync(TestServer server, Random random)
    {
        JsonObject body = TestServer.Body($"say {random.Next(Questions)}", random.Next(), 200);
        body["stream"] = true;
        using var stopping = new CancellationTokenSource(TimeSpan.FromMilliseconds(random.Next(1, 2000)));
        try
        {
            using HttpResponseMessage response = await PostAsync(server, body.ToJsonString(), stopping.Token);
            await using Stream stream = await response.Content.ReadAsStreamAsync(stopping.Token);
            _ = await stream.ReadAtLeastAsync(new byte[1000], 1000, throwOnEndOfStream: false, stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // as intended; otherwise the stream is left after some tokens
        }
        Count("hung up");
        await Task.Delay(random.Next(100), Cancellation);
    }

    private async Task SendRubbishAsync(TestServer server, Random random)
    {
        string body = Rubbish[random.Next(Rubbish.Length)];
        using HttpResponseMessage response = await PostAsync(server, body, Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, body);
        Count("refused");
        await Task.Delay(random.Next(100), Cancellation);
    }

    private static async Task<HttpResponseMessage> PostAsync(TestServer server, string body,
        CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        return await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    /// <summary>
    /// Looks at the queue, and at how long a thread of the pool and an answer that needs no model take.
    /// </summary>
    private async Task WatchAsync(TestServer server, CancellationToken over)
    {
        RequestQueue queue = server.Model.Queue;
        using var http = new HttpClient { BaseAddress = server.Server.Address };
        while (!over.IsCancellationRequested)
        {
            _longestQueue = Math.Max(_longestQueue, queue.Length);
            _mostRunning = Math.Max(_mostRunning, queue.Running);
            _mostThreads = Math.Max(_mostThreads, ThreadPool.ThreadCount);
            long began = Stopwatch.GetTimestamp();
            await Task.Run(() => { }, Cancellation);
            _longestThread = Max(_longestThread, Stopwatch.GetElapsedTime(began));
            began = Stopwatch.GetTimestamp();
            (await http.GetStringAsync("health", Cancellation)).ShouldBe("ok");
            _longestHealth = Max(_longestHealth, Stopwatch.GetElapsedTime(began));
            await Task.Delay(50, Cancellation);
        }
    }

    private void Report(int clients, TimeSpan time, long before, long after)
    {
        double[] sorted = [.. _seconds.Order()];
        double Within(double share) => sorted.Length == 0 ? 0 : sorted[(int)(share * (sorted.Length - 1))];
        string counts = string.Join(", ", _counts.OrderBy(one => one.Key).Select(one => $"{one.Value} {one.Key}"));
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{clients} clients, {time.TotalSeconds:0} s: {counts}; "
            + $"{_counts.GetValueOrDefault("right") / time.TotalSeconds:0.0} answers a second; half within "
            + $"{Within(0.5):0.00} s, 99 % within {Within(0.99):0.00} s; queue at most {_longestQueue}, slots "
            + $"{_mostRunning}, threads {_mostThreads}; wait for a thread at most "
            + $"{_longestThread.TotalMilliseconds:0} ms, health check {_longestHealth.TotalMilliseconds:0} ms; heap "
            + $"{before >> 20} MiB after a quarter, {after >> 20} MiB at the end"));
    }

    private void Count(string what) => _counts.AddOrUpdate(what, 1, (_, count) => count + 1);

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static long Heap() => GC.GetTotalMemory(forceFullCollection: true);

    private static string Text(JsonNode answer, string part) =>
        answer["choices"]!.AsArray() is { Count: > 0 } choices ? (string?)choices[0]![part]?["content"] ?? "" : "";

    private static int Setting(string name, int usual) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture) : usual;
}
