using System.Net;
using Atelier.TestSupport;

namespace Atelier.Server.Tests;

/// <summary>The pages of the studio, as the server sends them.</summary>
public sealed class StudioTests
{
    private const int MostBytes = 150_000; // of the first load, compressed

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "text/html")]
    [InlineData("index.html", "text/html")]
    [InlineData("assets/studio.js", "text/javascript")]
    [InlineData("assets/studio.css", "text/css")]
    [InlineData("icon.svg", "image/svg+xml")]
    public async Task A_page_is_sent_without_a_key_and_with_a_strict_policy(string path, string type)
    {
        await using TestServer server =
            await TestServer.StartAsync(new ServerOptions { Keys = ApiKeys.Of("a-key-of-the-owner") });
        using HttpResponseMessage answer = await server.Http.GetAsync(path, Cancellation);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe(type);
        string policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        policy.ShouldContain("script-src 'self';");
        policy.ShouldNotContain("unsafe");
        using var again = new HttpRequestMessage(HttpMethod.Get, path);
        again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
        using HttpResponseMessage unchanged = await server.Http.SendAsync(again, Cancellation);
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public void The_first_load_is_small()
    {
        string folder = Path.Combine(Repository.Folder, "src", "Atelier.Server", "Studio", "dist");
        long sum = 0;
        foreach (string file in (string[])["index.html", "assets/studio.js", "assets/studio.css"])
        {
            using var compressed = new MemoryStream();
            using (var gzip = new System.IO.Compression.GZipStream(compressed,
                System.IO.Compression.CompressionLevel.Optimal, leaveOpen: true))
                gzip.Write(File.ReadAllBytes(Path.Combine(folder, file)));
            sum += compressed.Length;
        }
        sum.ShouldBeInRange(10_000, MostBytes);
    }
}
