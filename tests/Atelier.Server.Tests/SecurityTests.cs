using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>Each protection is tried from outside.</summary>
public sealed class SecurityTests
{
    private const string Chat = "v1/chat/completions", Key = "a-key-of-some-length-1";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Body => TestServer.Body("x", 1, 2).ToJsonString();

    [Fact]
    public async Task Off_the_loopback_keys_are_needed()
    {
        var options = new ServerOptions { Address = IPAddress.Any, Port = 0 };
        (await Should.ThrowAsync<AtelierException>(() => ModelServer.StartAsync(new Workshop(), options)))
            .Message.ShouldContain("no keys are set");
        await using ModelServer server =
            await ModelServer.StartAsync(new Workshop(), options with { Keys = ApiKeys.Of(Key) });
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a-key-of-some-length-2")]
    [InlineData("a-key-of-some-length-1 ")]
    [InlineData("A-KEY-OF-SOME-LENGTH-1")]
    public async Task A_wrong_key_is_refused(string? key)
    {
        await using TestServer server =
            await TestServer.StartAsync(new ServerOptions { Keys = ApiKeys.Of("another-key-of-length", Key) });
        if (key is not null)
            server.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {key}x");
        (int status, JsonNode answer) = await server.PostAsync(Chat, Body, Cancellation);
        status.ShouldBe(401);
        ((string)answer["error"]!["code"]!).ShouldBe("invalid_api_key");
        foreach (string path in (string[])["v1/models", "metrics", "openapi/v1.json", "docs/"])
        {
            using HttpResponseMessage other = await server.Http.GetAsync(path, Cancellation);
            other.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, path);
        }
        using HttpResponseMessage health = await server.Http.GetAsync("health", Cancellation);
        health.StatusCode.ShouldBe(HttpStatusCode.OK, "probes have no key");
    }

    [Fact]
    public async Task A_right_key_is_accepted_as_often_a_minute_as_it_may_ask()
    {
        await using TestServer server = await TestServer.StartAsync(
            new ServerOptions { Keys = ApiKeys.Of(Key), RequestsPerMinute = 3 }, Key);
        for (int i = 0; i < 3; i++)
            (await server.PostAsync(Chat, Body, Cancellation)).Status.ShouldBe(200);
        using var content = new StringContent(Body, System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage fourth = await server.Http.PostAsync(Chat, content, Cancellation);
        fourth.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        fourth.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
    }

    [Fact]
    public void A_file_of_keys_holds_hashes_alone()
    {
        using var folder = new TemporaryFolder();
        string path = folder["keys"], first = ApiKeys.Create(path, "alice"), second = ApiKeys.Create(path, "bob");
        string text = File.ReadAllText(path);
        text.ShouldNotContain(first);
        text.ShouldNotContain(first["atelier-".Length..]);
        var keys = ApiKeys.Read(path);
        keys.Count.ShouldBe(2);
        keys.NameOf(first).ShouldBe("alice");
        keys.NameOf(second).ShouldBe("bob");
        keys.NameOf(first + "0").ShouldBeNull();
        keys.NameOf(null).ShouldBeNull();
        Should.Throw<AtelierException>(() => ApiKeys.Create(path, "bob")).Message.ShouldContain("already");
        Should.Throw<AtelierException>(() => ApiKeys.Create(path, "b b"));
        File.AppendAllText(path, "carol not-a-hash\n");
        Should.Throw<AtelierException>(() => ApiKeys.Read(path)).Where.ShouldBe($"{path}:4");
        Should.Throw<AtelierException>(() => ApiKeys.Of("short"));
    }

    [Fact]
    public async Task A_page_of_another_site_cannot_reach_a_server_on_the_loopback()
    {
        await using TestServer server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "v1/models");
        request.Headers.Host = "evil.example";
        using HttpResponseMessage rebound = await server.Http.SendAsync(request, Cancellation);
        rebound.StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        using var preflight = new HttpRequestMessage(HttpMethod.Options, Chat);
        preflight.Headers.Add("Origin", "https://evil.example");
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        using HttpResponseMessage allowed = await server.Http.SendAsync(preflight, Cancellation);
        allowed.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task Answers_carry_protective_headers_and_do_not_name_the_server()
    {
        await using TestServer server = await TestServer.StartAsync();
        foreach (string path in (string[])["v1/models", "v1/nothing", "health"])
        {
            using HttpResponseMessage answer = await server.Http.GetAsync(path, Cancellation);
            answer.Headers.GetValues("Content-Security-Policy").Single().ShouldContain("default-src 'none'");
            answer.Headers.GetValues("X-Content-Type-Options").Single().ShouldBe("nosniff");
            answer.Headers.Contains("Server").ShouldBeFalse();
        }
    }

    [Fact]
    public async Task A_certificate_serves_TLS_and_one_that_cannot_be_read_is_named()
    {
        using var folder = new TemporaryFolder();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 made =
            request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        folder.Write("server.pem", made.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        var options = new ServerOptions { Port = 0, CertificatePath = folder["server.pem"] };
        await using (ModelServer server = await ModelServer.StartAsync(new Workshop(), options))
        {
            server.Address.Scheme.ShouldBe("https");
            using var handler = new SocketsHttpHandler();
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { made },
                RevocationMode = X509RevocationMode.NoCheck,
            };
            using var client = new HttpClient(handler);
            (await client.GetStringAsync($"https://localhost:{server.Address.Port}/health", Cancellation))
                .ShouldBe("ok");
        }
        folder.Write("server.pem", "rubbish");
        (await Should.ThrowAsync<AtelierException>(() => ModelServer.StartAsync(new Workshop(), options)))
            .Where.ShouldBe(folder["server.pem"]);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused()
    {
        await using TestServer server = await TestServer.StartAsync(new ServerOptions { MostBodyBytes = 1000 });
        (int status, _) = await server.PostAsync(Chat,
            TestServer.Body(new string('x', 2000), 1, 1).ToJsonString(), Cancellation);
        status.ShouldBe(413);
    }

    [Fact]
    public async Task Deep_nesting_is_refused()
    {
        await using TestServer server = await TestServer.StartAsync();
        string deep = new string('[', 5000) + new string(']', 5000);
        (int status, _) = await server.PostAsync(Chat, $$"""{"model":"tiny","messages":{{deep}}}""", Cancellation);
        status.ShouldBe(400);
    }
}
