namespace Atelier.Server.Tests;

/// <summary>The commands of docs/serving.md, as a person types them.</summary>
public sealed class CurlTests
{
    [Fact]
    public async Task Curl_gets_an_answer_and_a_stream()
    {
        await using TestServer server = await TestServer.StartAsync();
        string body = TestServer.Body("Once", 3, 6).ToJsonString();
        string whole = await CurlAsync($"{server.ApiAddress}/chat/completions", body);
        whole.ShouldContain("\"chat.completion\"");
        string stream = await CurlAsync($"{server.ApiAddress}/chat/completions",
            body.Replace("{\"model\"", "{\"stream\":true,\"model\"", StringComparison.Ordinal));
        stream.ShouldStartWith("data: {");
        stream.TrimEnd().ShouldEndWith("data: [DONE]");
    }

    private static async Task<string> CurlAsync(string address, string body)
    {
        (int? code, string answer, string error) = await Command.RunAsync("curl", null, null,
            "-sS", "-N", "-m", "60", address, "-H", "Content-Type: application/json", "-d", body);
        Assert.SkipWhen(code is null, error);
        code.ShouldBe(0, error);
        return answer;
    }
}
