using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Atelier.Runtime.Tests.Formats;
using Atelier.Server.Serving;
using Atelier.Tests.Data;
using Atelier.Tokenizers;

namespace Atelier.Server.Tests;

/// <summary>A server of a tiny model, named tiny, on a free port.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    /// <summary>The number of tokens that the tiny model can condition on.</summary>
    public const int Context = 256;

    private readonly TemporaryFolder _folder;
    private readonly ModelServer _server;

    private TestServer(TemporaryFolder folder, Workshop workshop, ModelServer server, string? key)
    {
        (_folder, Workshop, _server) = (folder, workshop, server);
        Http = new HttpClient { BaseAddress = server.Address, Timeout = TimeSpan.FromMinutes(2) };
        if (key is not null)
            Http.DefaultRequestHeaders.Authorization = new("Bearer", key);
    }

    public HttpClient Http { get; }

    public Workshop Workshop { get; }

    public ModelServer Server => _server;

    public Uri ApiAddress => new(_server.Address, "v1");

    public string ModelFolder => _folder["tiny"];

    /// <summary>The path of a file or folder beside those of the server.</summary>
    public string At(string name) => _folder[name];

    public ServedModel Model => _server.Models.Find("tiny")!;

    /// <summary>Starts a server.</summary>
    /// <param name="options">Its options, but for the models and the port; null for the defaults.</param>
    /// <param name="key">The key that its client sends; null for none.</param>
    /// <param name="trains">Whether it starts trainings, by the tool.</param>
    /// <param name="others">Further models by name.</param>
    public static async Task<TestServer> StartAsync(ServerOptions? options = null, string? key = null,
        bool trains = false, params (string Name, string Path)[] others)
    {
        var folder = new TemporaryFolder();
        WriteModel(folder["tiny"]);
        options = (options ?? new ServerOptions()) with
        {
            Models = others.Append(("tiny", folder["tiny"])).ToDictionary(), Port = 0, Device = "cpu",
            RunsFolder = options?.RunsFolder ?? folder["runs"],
        };
        if (trains)
            options = options with { Trainer = Tool(folder["home"]) };
        var workshop = new Workshop(new WorkshopOptions { Home = folder["home"] });
        return new TestServer(folder, workshop, await ModelServer.StartAsync(workshop, options), key);
    }

    /// <summary>The tool as it is built, with a home of its own.</summary>
    public static TrainingCommand Tool(string home) =>
        new("dotnet", Path.Combine(AppContext.BaseDirectory, "Atelier.Cli.dll"))
        {
            Environment = new Dictionary<string, string?>
            {
                ["ATELIER_HOME"] = home, ["OMP_NUM_THREADS"] = "1", ["DOTNET_TieredPGO"] = "0",
            },
        };

    /// <summary>Writes a Llama with weights drawn from a seed.</summary>
    public static void WriteModel(string folder, int seed = 1)
    {
        Directory.CreateDirectory(folder);
        TinyModelFiles.WriteLlama(folder, new(4, 2, 8, 48, 2), seed);
        new ByteTokenizer().Save(Path.Combine(folder, "tokenizer.json"));
        File.WriteAllText(Path.Combine(folder, "generation_config.json"),
            """{"bos_token_id":256,"eos_token_id":256,"max_new_tokens":40}""");
    }

    /// <summary>Sends a body, and returns the status and the answer.</summary>
    public async Task<(int Status, JsonNode Answer)> PostAsync(string path, string body,
        CancellationToken cancellation = default)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await Http.PostAsync(path, content, cancellation);
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>(cancellation))!);
    }

    /// <summary>Gets an answer, which must be there.</summary>
    public async Task<JsonNode> GetAsync(string path, CancellationToken cancellation = default)
    {
        using HttpResponseMessage response = await Http.GetAsync(path, cancellation);
        JsonNode answer = (await response.Content.ReadFromJsonAsync<JsonNode>(cancellation))!;
        ((int)response.StatusCode).ShouldBe(200, answer.ToJsonString());
        return answer;
    }

    /// <summary>Uploads files, and returns the status and the answer.</summary>
    public async Task<(int Status, JsonNode Answer)> UploadAsync(
        IEnumerable<(string Name, byte[] Content)> files, string? name = null, CancellationToken cancellation = default)
    {
        using var form = new MultipartFormDataContent();
        if (name is not null)
            form.Add(new StringContent(name), "name");
        foreach ((string file, byte[] content) in files)
        {
            var part = new ByteArrayContent(content);
            // as browsers write it, with all characters as they are
            part.Headers.TryAddWithoutValidation("Content-Disposition",
                $"form-data; name=\"file\"; filename=\"{file}\"");
            form.Add(part);
        }
        using HttpResponseMessage response = await Http.PostAsync("v1/atelier/data", form, cancellation);
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>(cancellation))!);
    }

    /// <summary>The text of a chat's answer.</summary>
    public async Task<string> ChatAsync(string prompt, long seed, int most = 24)
    {
        (int status, JsonNode answer) = await PostAsync("v1/chat/completions", Body(prompt, seed, most).ToJsonString());
        status.ShouldBe(200, answer.ToJsonString());
        return (string)answer["choices"]![0]!["message"]!["content"]!;
    }

    public static JsonObject Body(string prompt, long seed, int most) => new()
    {
        ["model"] = "tiny", ["seed"] = seed, ["max_tokens"] = most,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
    };

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _server.StopAsync(new CancellationToken(canceled: true));
        await _server.DisposeAsync();
        _folder.Dispose();
    }
}
