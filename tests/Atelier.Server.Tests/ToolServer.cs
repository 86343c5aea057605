using System.Diagnostics;
using System.Text.Json.Nodes;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>`atelier serve` in a process of its own, in a folder.</summary>
internal sealed class ToolServer : IDisposable
{
    private readonly Process _process;

    private ToolServer(Process process, Uri address) =>
        (_process, Http) = (process, new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(2) });

    public HttpClient Http { get; }

    /// <summary>Starts a server of the folder runs.</summary>
    /// <param name="folder">The folder in which it is started.</param>
    /// <param name="within">A program that starts it with the arguments that follow; none by default.</param>
    public static async Task<ToolServer> StartAsync(TemporaryFolder folder, params string[] within)
    {
        TrainingCommand tool = TestServer.Tool(folder["home"]);
        string[] line = [.. within, tool.Program, .. tool.Arguments, "serve", "--port", "0", "--json"];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            UseShellExecute = false, RedirectStandardOutput = true, WorkingDirectory = folder.Path,
        };
        foreach ((string name, string? value) in tool.Environment)
            start.Environment[name] = value;
        Process process = Process.Start(start)!;
        string said = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)
            ?? throw new InvalidOperationException("the server said nothing");
        return new ToolServer(process, new Uri((string)JsonNode.Parse(said)!["address"]!));
    }

    /// <summary>Ends it as the system does that runs out of memory.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Http.Dispose();
        Kill();
        _process.Dispose();
    }
}
