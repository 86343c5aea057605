using System.ComponentModel;
using System.Diagnostics;

namespace Atelier.Server.Trainings;

/// <summary>Starts the processes that train.</summary>
internal static class Trainer
{
    // The process writes to a file, has no terminal, and is in a session of its own where the system has the program
    // for it: it goes on when the server and its terminal are gone.
    private const string Script = """
        exec >"$1" 2>&1 </dev/null; shift
        if command -v setsid >/dev/null 2>&1; then exec setsid "$@"; fi
        exec "$@"
        """;

    /// <summary>Starts a process.</summary>
    /// <param name="command">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="log">The file that it writes to, which is begun anew.</param>
    /// <param name="onExit">Called when it has ended.</param>
    /// <exception cref="Win32Exception">There is no shell to start it with.</exception>
    public static ProcessMark? Start(TrainingCommand command, IEnumerable<string> arguments, string log, Action onExit)
    {
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", Script, "sh", log, command.Program, .. command.Arguments, .. arguments]) { UseShellExecute = false };
        foreach ((string name, string? value) in command.Environment)
            start.Environment[name] = value;
        Process process = Process.Start(start)!;
        var mark = ProcessMark.Of(process.Id);
        process.Exited += (_, _) =>
        {
            process.Dispose();
            onExit();
        };
        process.EnableRaisingEvents = true;
        return mark;
    }
}
