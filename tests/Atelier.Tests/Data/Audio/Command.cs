using System.ComponentModel;
using System.Diagnostics;

namespace Atelier.Tests.Data.Audio;

/// <summary>Runs a program that tests are compared with; where it is not installed, the calling test is skipped.</summary>
internal static class Command
{
    public static void Run(string program, params IEnumerable<string> arguments)
    {
        Process? process = null;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments)
                { RedirectStandardError = true, RedirectStandardOutput = true });
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{program} is not installed");
        }
        using (process)
        {
            string said = process!.StandardError.ReadToEnd();
            process.WaitForExit();
            process.ExitCode.ShouldBe(0, said);
        }
    }

    public static void Ffmpeg(params IEnumerable<string> arguments) =>
        Run("ffmpeg", ["-nostdin", "-v", "error", "-y", .. arguments]);
}
