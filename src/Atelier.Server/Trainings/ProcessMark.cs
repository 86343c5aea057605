using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Atelier.Server.Trainings;

/// <summary>A process that can be found again by another server, and is not mistaken for a later one.</summary>
/// <param name="Id">The number of the process, which the system may use again.</param>
/// <param name="Began">When it began, in a form of the system.</param>
internal sealed partial record ProcessMark(int Id, string Began)
{
    private const int Termination = 15; // SIGTERM on all systems; SIGINT is ignored by what a script has started

    /// <summary>Whether the process runs.</summary>
    public bool IsAlive => BeganOf(Id) == Began;

    /// <summary>Returns the mark of a running process; null if it has ended.</summary>
    public static ProcessMark? Of(int id) => BeganOf(id) is { } began ? new(id, began) : null;

    /// <summary>Asks the process to end, which a trainer answers as it does Ctrl-C.</summary>
    public void Interrupt()
    {
        if (IsAlive)
            _ = Kill(Id, Termination);
    }

    /// <summary>When a process began; null if there is none, or it has ended and nobody has asked how.</summary>
    private static string? BeganOf(int id)
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                string facts = File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/stat");
                string[] parts = facts[(facts.LastIndexOf(')') + 2)..].Split(' '); // from the third on, see proc(5)
                return parts[0] is "Z" or "X" ? null : parts[19];
            }
            using var process = Process.GetProcessById(id);
            return process.HasExited ? null
                : process.StartTime.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
