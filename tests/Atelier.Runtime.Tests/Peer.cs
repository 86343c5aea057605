using System.Diagnostics;
using System.Text;
using Atelier.TestSupport;

namespace Atelier.Runtime.Tests;

/// <summary>Programs of others, run to compare with them.</summary>
internal static class Peer
{
    /// <summary>The folder of the scripts that run them.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Folder, "benchmarks", "peers");

    /// <summary>Returns the path of a script.</summary>
    public static string Script(string name) => Path.Combine(Folder, name);

    /// <summary>Runs a program to its end and returns what it printed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8, UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
