using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Atelier.Server.Tests;

/// <summary>Traces reach a collector that the environment names, with the trace of the client.</summary>
public sealed class TraceTests
{
    [Fact]
    public async Task Requests_are_traced_to_the_collector_that_the_environment_names()
    {
        await using var collector = new Collector();
        (string, string)[] variables =
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_SERVICE_NAME", "our-service"),
        ];
        const string trace = "0af7651916cd43dd8448eb211c80319c";
        TestServer server;
        try
        {
            // other servers of this process that start meanwhile send their traces too, which does no harm
            foreach ((string name, string value) in variables)
                Environment.SetEnvironmentVariable(name, value);
            server = await TestServer.StartAsync();
        }
        finally
        {
            foreach ((string name, _) in variables)
                Environment.SetEnvironmentVariable(name, null);
        }
        await using (server)
        {
            server.Http.DefaultRequestHeaders.Add("traceparent", $"00-{trace}-b7ad6b7169203331-01");
            await server.ChatAsync("x", 1, most: 3);
        }
        byte[] sent = [.. collector.Received.SelectMany(body => body)];
        string text = Encoding.Latin1.GetString(sent);
        text.ShouldContain("generate");
        text.ShouldContain("generated_tokens");
        text.ShouldContain("our-service");
        text.ShouldContain(Encoding.Latin1.GetString(Convert.FromHexString(trace)), Case.Sensitive,
            "the spans belong to the trace of the client");
    }

    /// <summary>Takes what is sent to /v1/traces, as a collector of OTLP over HTTP.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Task _serving;

        public Collector()
        {
            using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Address = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
            }
            _listener.Prefixes.Add(Address + "/v1/traces/");
            _listener.Start();
            _serving = ServeAsync();
        }

        public string Address { get; }

        public ConcurrentQueue<byte[]> Received { get; } = new();

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    HttpListenerContext context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    Received.Enqueue(body.ToArray());
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // it has been stopped
            }
        }
    }
}
