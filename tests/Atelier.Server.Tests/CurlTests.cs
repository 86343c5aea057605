using System.Diagnostics;

namespace Atelier.Server.Tests;

/// <summary>The commands of docs/serving.md, as a person types them.</summary>
public sealed class CurlTests
{
    [Fact]
    public async Task Curl_gets_an_answer_and_a_stream()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/curl"), "curl is not installed");
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
        var start = new ProcessStartInfo("/usr/bin/curl",
            ["-sS", "-N", "-m", "60", address, "-H", "Content-Type: application/json", "-d", body])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        using Process curl = Process.Start(start)!;
        Task<string> error = curl.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string answer = await curl.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await curl.WaitForExitAsync(TestContext.Current.CancellationToken);
        curl.ExitCode.ShouldBe(0, await error);
        return answer;
    }
}
