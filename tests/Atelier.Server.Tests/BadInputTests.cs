using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Atelier.Server.Tests;

/// <summary>Wrong, missing, huge and mistyped fields: each has a clear answer in OpenAI's form.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private const string Chat = "v1/chat/completions", Complete = "v1/completions", Embed = "v1/embeddings",
        Draw = "v1/images/generations", Speak = "v1/audio/speech", Generate = "v1/atelier/generate";

    private const string Messages = """
        "messages":[{"role":"user","content":"x"}]
        """;

    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(Chat, "{}", 400, "model")]
    [InlineData(Chat, """{"model":""}""", 400, "model")]
    [InlineData(Chat, """{"model":"other"}""", 404, "model")]
    [InlineData(Chat, """{"model":"../tiny"}""", 404, "model")]
    [InlineData(Chat, """{"model":5}""", 400, "model")]
    [InlineData(Chat, """{"model":"tiny"}""", 400, "messages")]
    [InlineData(Chat, """{"model":"tiny","messages":[]}""", 400, "messages")]
    [InlineData(Chat, """{"model":"tiny","messages":"x"}""", 400, "messages")]
    [InlineData(Chat, """{"model":"tiny","messages":[null]}""", 400, "messages[0].content")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user"}]}""", 400, "messages[0].content")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"cat","content":"x"}]}""", 400, "messages[0].role")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":[{"type":"image_url"}]}]}""", 400,
        "messages[0].content")]
    [InlineData(Complete, """{"model":"tiny","prompt":{}}""", 400, "prompt")]
    [InlineData(Complete, """{"model":"tiny","prompt":[]}""", 400, "prompt")]
    [InlineData(Complete, """{"model":"tiny","prompt":[1,2.5]}""", 400, "prompt")]
    [InlineData(Complete, """{"model":"tiny","prompt":[99999]}""", 400, "")]
    [InlineData(Complete, """{"model":"tiny","prompt":"x","logprobs":50}""", 400, "logprobs")]
    [InlineData(Complete, """{"model":"tiny","prompt":"x","pattern":"("}""", 400, "")]
    [InlineData(Complete, """{"model":"tiny","prompt":["a","b"],"n":100}""", 400, "n")]
    [InlineData(Embed, """{"model":"tiny","input":"x"}""", 400, "model")]
    [InlineData(Draw, """{"model":"tiny","prompt":"x"}""", 400, "model")]
    [InlineData(Speak, """{"model":"tiny","input":"x"}""", 400, "model")]
    [InlineData(Speak, """{"model":"tiny"}""", 400, "input")]
    [InlineData(Generate, """{"model":"tiny","class":"cat"}""", 400, "")]
    [InlineData(Generate, """{"model":"tiny","input":"not base64"}""", 400, "input")]
    [InlineData(Generate, """{"model":"tiny","states":{"x":"y"}}""", 400, "states")]
    public async Task A_wrong_field_is_named(string path, string body, int status, string param)
    {
        (int answered, JsonNode answer) = await _server.PostAsync(path, body, TestContext.Current.CancellationToken);
        answered.ShouldBe(status, answer.ToJsonString());
        ((string?)answer["error"]!["param"] ?? "").ShouldBe(param, answer.ToJsonString());
        ((string)answer["error"]!["message"]!).ShouldNotBeNullOrWhiteSpace();
        ((string)answer["error"]!["type"]!).ShouldBe("invalid_request_error");
    }

    [Theory]
    [InlineData("\"temperature\":\"hot\"", "temperature")]
    [InlineData("\"temperature\":-1", "temperature")]
    [InlineData("\"temperature\":1e999", "temperature")]
    [InlineData("\"top_p\":2", "top_p")]
    [InlineData("\"top_k\":-1", "top_k")]
    [InlineData("\"top_k\":1.5", "top_k")]
    [InlineData("\"min_p\":[]", "min_p")]
    [InlineData("\"presence_penalty\":1000", "presence_penalty")]
    [InlineData("\"repetition_penalty\":0", "repetition_penalty")]
    [InlineData("\"n\":0", "n")]
    [InlineData("\"n\":1000000", "n")]
    [InlineData("\"n\":99999999999999", "n")]
    [InlineData("\"max_tokens\":0", "max_tokens")]
    [InlineData("\"max_tokens\":-5", "max_tokens")]
    [InlineData("\"max_completion_tokens\":{}", "max_completion_tokens")]
    [InlineData("\"max_tokens\":100000", "messages")]
    [InlineData("\"stop\":5", "stop")]
    [InlineData("\"stop\":[1]", "stop")]
    [InlineData("\"seed\":\"x\"", "seed")]
    [InlineData("\"stream\":\"yes\"", "stream")]
    [InlineData("\"logprobs\":7", "logprobs")]
    [InlineData("\"top_logprobs\":3", "top_logprobs")]
    [InlineData("\"logprobs\":true,\"top_logprobs\":21", "top_logprobs")]
    [InlineData("\"response_format\":\"json\"", "response_format")]
    [InlineData("\"response_format\":{\"type\":\"xml\"}", "response_format.type")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\"}", "response_format.json_schema")]
    [InlineData("\"tools\":[{}]", "tools[0]")]
    [InlineData("\"unheard_of\":1", "unheard_of")]
    public async Task A_wrong_option_of_a_chat_is_named(string field, string param)
    {
        (int status, JsonNode answer) = await _server.PostAsync(Chat, $$"""{"model":"tiny",{{Messages}},{{field}}}""",
            TestContext.Current.CancellationToken);
        status.ShouldBe(400, answer.ToJsonString());
        ((string?)answer["error"]!["param"]).ShouldBe(param, answer.ToJsonString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"model\":")]
    [InlineData("{\"model\":\"tiny\",\"model\":\"tiny\"}")]
    [InlineData("\u0000\u0001")]
    public async Task What_is_no_JSON_object_is_refused(string body)
    {
        (int status, JsonNode answer) = await _server.PostAsync(Chat, body, TestContext.Current.CancellationToken);
        status.ShouldBe(400, answer.ToJsonString());
        ((string)answer["error"]!["message"]!).ShouldNotContain("Exception");
    }

    [Fact]
    public async Task A_body_of_another_type_an_unknown_address_and_another_verb_are_refused()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using var form = new StringContent("{}", new MediaTypeHeaderValue("text/plain"));
        using HttpResponseMessage typed = await _server.Http.PostAsync(Chat, form, cancellation);
        typed.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        using HttpResponseMessage missing = await _server.Http.GetAsync("v1/nothing", cancellation);
        missing.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await missing.Content.ReadAsStringAsync(cancellation)).ShouldContain("not_found");
        using HttpResponseMessage verb = await _server.Http.GetAsync(Chat, cancellation);
        verb.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        using HttpResponseMessage outside =
            await _server.Http.GetAsync("v1/models/..%2F..%2Fetc%2Fpasswd", cancellation);
        outside.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_prompt_that_does_not_fit_the_context_is_refused_with_the_numbers()
    {
        (int status, JsonNode answer) = await _server.PostAsync(Chat,
            TestServer.Body(new string('x', 300), 1, 5).ToJsonString(), TestContext.Current.CancellationToken);
        status.ShouldBe(400);
        ((string)answer["error"]!["code"]!).ShouldBe("context_length_exceeded");
        ((string)answer["error"]!["message"]!).ShouldContain($"context is {TestServer.Context} tokens");
        ((string)answer["error"]!["message"]!).ShouldContain("301 tokens");
    }

    [Fact]
    public async Task A_port_in_use_a_damaged_bundle_and_impossible_options_are_said_at_once()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var options = new ServerOptions { Port = ((IPEndPoint)taken.LocalEndpoint).Port };
        (await Should.ThrowAsync<AtelierException>(() => ModelServer.StartAsync(new Workshop(), options)))
            .Message.ShouldContain("in use by another program");
        var elsewhere = new ServerOptions
        {
            Address = IPAddress.Parse("203.0.113.1"), Port = 0, Keys = ApiKeys.Of("a-key-of-some-length"),
        };
        (await Should.ThrowAsync<AtelierException>(() => ModelServer.StartAsync(new Workshop(), elsewhere)))
            .Message.ShouldContain("cannot be listened on", Case.Sensitive, "no machine has this address (RFC 5737)");
        (await Should.ThrowAsync<AtelierException>(
            () => ModelServer.StartAsync(new Workshop(), new ServerOptions { Slots = 0 })))
            .Message.ShouldContain("slots");
        await File.WriteAllTextAsync(Path.Combine(_server.ModelFolder, "config.json"), "{",
            TestContext.Current.CancellationToken);
        (int status, JsonNode answer) = await _server.PostAsync(Chat, TestServer.Body("x", 1, 5).ToJsonString(),
            TestContext.Current.CancellationToken);
        status.ShouldBe(500);
        ((string)answer["error"]!["code"]!).ShouldBe("model_unavailable");
        ((string)answer["error"]!["message"]!).ShouldNotContain(_server.ModelFolder,
            customMessage: "no path of the machine");
    }
}
