using System.Diagnostics;

namespace Atelier.Server.Tests;

/// <summary>Runs the programs of others that talk to the server.</summary>
internal static class Command
{
    /// <summary>Runs a program, and returns its exit code, or null if it is not installed, and what it wrote.</summary>
    public static async Task<(int? Code, string Output, string Error)> RunAsync(string program, string? folder,
        IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            WorkingDirectory = folder ?? "",
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using Process? process = Started(start);
        if (process is null)
            return (null, "", $"{program} is not installed");
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Task<string> error = process.StandardError.ReadToEndAsync(cancellation);
        string output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return (process.ExitCode, output, await error);
    }

    private static Process? Started(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // there is no such program
        }
    }
}
