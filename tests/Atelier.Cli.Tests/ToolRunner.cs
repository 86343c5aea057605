using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>Runs the tool in this process, in a home and a folder of its own.</summary>
internal sealed class ToolRunner : IDisposable
{
    private readonly string? _homeBefore = Environment.GetEnvironmentVariable("ATELIER_HOME");

    public ToolRunner() => Environment.SetEnvironmentVariable("ATELIER_HOME", Path.Combine(Folder, "home"));

    public string Folder { get; } = Directory.CreateTempSubdirectory("atelier").FullName;

    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>Writes a short text to train on.</summary>
    public string Rhymes()
    {
        string path = At("rhymes.txt");
        File.WriteAllText(path, string.Concat(Enumerable.Range(0, 200).Select(i =>
            FormattableString.Invariant($"{i} little boats went out to sea, and {i + 1} came home for tea.\n"))));
        return path;
    }

    public ToolResult Run(params string[] args) => Answer(null, args);

    /// <summary>Runs a command that a person answers.</summary>
    public ToolResult Answer(string? answer, params string[] args)
    {
        using StringWriter output = new(), error = new();
        var console =
            new ToolConsole(output, error, IsTerminal: false) { In = answer is null ? null : new StringReader(answer) };
        int code = new Tool(console, new Workshop()).RunAsync(args).GetAwaiter().GetResult();
        return new ToolResult(code, output.ToString(), error.ToString());
    }

    /// <summary>Runs a command that does not end by itself, and interrupts it.</summary>
    /// <param name="isEnough">Returns whether to interrupt it, given its standard output so far.</param>
    /// <param name="args">The command line.</param>
    public ToolResult RunUntil(Func<string, bool> isEnough, params string[] args)
    {
        using StringWriter output = new(), error = new();
        using var stopping = new CancellationTokenSource();
        TextWriter shared = TextWriter.Synchronized(output); // it locks itself
        var tool = new Tool(new ToolConsole(shared, TextWriter.Synchronized(error), false), new Workshop());
        Task<int> running = Task.Run(() => tool.RunAsync(args, stopping.Token));
        while (!running.IsCompleted && !isEnough(Said()))
            Thread.Sleep(20);
        stopping.Cancel();
        return new ToolResult(running.GetAwaiter().GetResult(), output.ToString(), error.ToString());

        string Said()
        {
            lock (shared)
                return output.ToString();
        }
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("ATELIER_HOME", _homeBefore);
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>What a command said.</summary>
internal sealed record ToolResult(int Code, string Out, string Error)
{
    /// <summary>Standard output as the one JSON object that it must be.</summary>
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;
}

/// <summary>The environment is the process's: commands that use it run one after another.</summary>
[CollectionDefinition(nameof(ToolCollection), DisableParallelization = true)]
public sealed class ToolCollection;
