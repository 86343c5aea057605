using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Kernels;
using Atelier.Server;

namespace Atelier.Benchmarks;

/// <summary>
/// Many clients of one server at once: each streams 128 tokens after a prompt of 128, with a random Llama of 134
/// million weights; beside llama.cpp's own server with as many slots on the same file, where ATELIER_LLAMA_CPP names
/// its folder, built in build/.
/// </summary>
internal static class ServingComparison
{
    private const int Prompt = 128, Answer = 128, WarmUp = 8;
    private const string Model = "llama";
    private static readonly WeightType[] Types = [WeightType.Q8_0, WeightType.BF16];

    public static readonly (string Name, string Description, int Clients)[] All =
    [
        ("serve-16", "serve 16 clients at once, in Q8_0 and in BF16; llama.cpp's server (ATELIER_LLAMA_CPP)", 16),
        ("serve-64", "the same with 64 clients", 64),
    ];

    /// <summary>Alternates the sides and prints each round, then one JSON line for each type of weights.</summary>
    public static async Task RunAsync(string name, int rounds)
    {
        int clients = All.Single(c => c.Name == name).Clients;
        string? program = Environment.GetEnvironmentVariable("ATELIER_LLAMA_CPP") is { } root
            ? Path.Combine(root, "build", "bin", "llama-server") : null;
        if (program is null)
            Console.Error.WriteLine("ATELIER_LLAMA_CPP names no folder of llama.cpp: ours alone");
        foreach (WeightType type in Types)
        {
            string path;
            using (var llama = new RandomLlama(type))
                path = llama.Path;
            var ours = new List<Load>();
            var peers = new List<Load>();
            for (int round = 1; round <= rounds; round++)
            {
                ours.Add(await OursAsync(path, clients));
                if (program is not null)
                    peers.Add(await PeerAsync(program, path, clients));
                Console.Error.WriteLine($"{type}, round {round} of {rounds}: ours {ours[^1]}; peer "
                    + (peers.Count > 0 ? $"{peers[^1]}" : "none"));
            }
            double our = Comparison.Median(ours.Select(load => load.TokensPerSecond));
            double? peer = peers.Count == 0 ? null : Comparison.Median(peers.Select(load => load.TokensPerSecond));
            (double Low, double High)? spread = peers.Count == 0 ? null : Comparison.Spread(
                [.. ours.Select(load => load.TokensPerSecond)], [.. peers.Select(load => load.TokensPerSecond)]);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                name, type = $"{type}", ours = our, peer, ratio = our / peer, low = spread?.Low, high = spread?.High,
                unit = "tokens/s", limit = 1.3,
                oursFirstToken = Comparison.Median(ours.Select(load => load.FirstMedian)),
                oursFirstToken95 = Comparison.Median(ours.Select(load => load.First95)),
                peerFirstToken = peers.Count == 0 ? (double?)null
                    : Comparison.Median(peers.Select(load => load.FirstMedian)),
                peerFirstToken95 = peers.Count == 0 ? (double?)null
                    : Comparison.Median(peers.Select(load => load.First95)),
            }));
        }
    }

    private static async Task<Load> OursAsync(string path, int clients)
    {
        await using ModelServer server = await ModelServer.StartAsync(new Workshop(), new ServerOptions
        {
            Models = new Dictionary<string, string> { [Model] = path }, Port = 0, Slots = clients, Device = "cpu",
        });
        Load load = await MeasureAsync(server.Address, clients);
        await server.StopAsync();
        return load;
    }

    private static async Task<Load> PeerAsync(string program, string path, int clients)
    {
        int port = FreePort();
        var start = new ProcessStartInfo(program,
        [
            "-m", path, "--port", $"{port}", "-np", $"{clients}", "-c", $"{clients * (Prompt + Answer)}", "-t",
            $"{Environment.ProcessorCount}", "--no-webui",
        ]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            var address = new Uri($"http://127.0.0.1:{port}");
            using var client = new HttpClient { BaseAddress = address };
            while (!await IsReadyAsync(client))
            {
                if (process.HasExited)
                    throw new AtelierException($"ended with exit code {process.ExitCode}", program);
                await Task.Delay(100);
            }
            return await MeasureAsync(address, clients);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient client)
    {
        try
        {
            using HttpResponseMessage answer = await client.GetAsync(new Uri("health", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>All clients once with short answers to other prompts, to warm up, then all at once.</summary>
    private static async Task<Load> MeasureAsync(Uri address, int clients)
    {
        using var client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(30) };
        await Task.WhenAll(Enumerable.Range(clients + 1, clients).Select(number => AskAsync(client, number, WarmUp)));
        var watch = Stopwatch.StartNew();
        (int Tokens, double First)[] answers =
            await Task.WhenAll(Enumerable.Range(1, clients).Select(number => AskAsync(client, number, Answer)));
        double seconds = watch.Elapsed.TotalSeconds;
        double[] first = [.. answers.Select(answer => answer.First).Order()];
        return new Load(answers.Sum(answer => answer.Tokens) / seconds, Comparison.Median(first),
            first[(int)(0.95 * (first.Length - 1))]);
    }

    /// <summary>Streams one answer, and returns its tokens and the seconds until the first of them.</summary>
    private static async Task<(int Tokens, double First)> AskAsync(HttpClient client, int number, int most)
    {
        var random = new Random(number);
        var body = new JsonObject
        {
            ["model"] = Model, ["max_tokens"] = most, ["stream"] = true, ["temperature"] = 0, ["ignore_eos"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
            ["prompt"] = new JsonArray([.. Enumerable.Range(0, Prompt)
                .Select(_ => (JsonNode)random.Next(300, RandomLlama.Vocabulary))]),
        };
        var watch = Stopwatch.StartNew();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("v1/completions", UriKind.Relative));
        request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!answer.IsSuccessStatusCode)
            throw new AtelierException($"answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}",
                client.BaseAddress!.ToString());
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        int tokens = 0;
        double first = 0;
        while (await reader.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("data: {", StringComparison.Ordinal))
                continue;
            if (first == 0)
                first = watch.Elapsed.TotalSeconds;
            using var json = JsonDocument.Parse(line["data: ".Length..]);
            if (json.RootElement.TryGetProperty("usage", out JsonElement usage)
                && usage.ValueKind == JsonValueKind.Object)
                tokens = usage.GetProperty("completion_tokens").GetInt32();
        }
        return (tokens, first);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>What a server achieved under load.</summary>
    private sealed record Load(double TokensPerSecond, double FirstMedian, double First95)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture,
            $"{TokensPerSecond:N0} tokens/s, first token after {FirstMedian:N2} s (95th: {First95:N2} s)");
    }
}
