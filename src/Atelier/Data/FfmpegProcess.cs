using System.ComponentModel;
using System.Diagnostics;

namespace Atelier.Data;

/// <summary>
/// A run of the program ffmpeg or ffprobe as a child process, which is ended when the object is disposed or the
/// operation is cancelled.
/// </summary>
internal sealed class FfmpegProcess : IDisposable
{
    private const int MostSaid = 4096; // characters of error messages that are kept

    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly Task _input;
    private readonly CancellationTokenRegistration _registration;
    private readonly string _where;

    private FfmpegProcess(Process process, string where, Action<Stream>? feed, CancellationToken cancellation)
    {
        (_process, _where) = (process, where);
        _errors = OnThread(() => Said(process.StandardError));
        if (feed is null)
            process.StandardInput.Close();
        _input = feed is null ? Task.CompletedTask : OnThread(() => Feed(process, feed));
        _registration = cancellation.Register(End);
    }

    /// <summary>What the program writes.</summary>
    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>Starts a program.</summary>
    /// <param name="program">"ffmpeg" or "ffprobe".</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="where">The file that it reads or writes, for messages.</param>
    /// <param name="feed">Writes what the program reads from its input, on another thread; null for nothing.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <exception cref="AtelierException">The program is not installed.</exception>
    public static FfmpegProcess Start(string program, IEnumerable<string> arguments, string where,
        Action<Stream>? feed = null, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            UseShellExecute = false,
        };
        try
        {
            return new FfmpegProcess(Process.Start(start)!, where, feed, cancellation);
        }
        catch (Win32Exception e)
        {
            throw new AtelierException($"needs the program {Path.GetFileName(program)}, which is not installed", where,
                "install it (Debian and Ubuntu: apt-get install ffmpeg)", e);
        }
    }

    /// <summary>Returns whether an error means that ffmpeg is not installed.</summary>
    public static bool IsMissing(AtelierException fault) => fault.InnerException is Win32Exception;

    /// <summary>Waits for the end of the process.</summary>
    /// <returns>Whether it succeeded.</returns>
    public bool Succeeded()
    {
        _process.WaitForExit();
        return _process.ExitCode == 0;
    }

    /// <summary>Waits for the end of the process and returns the first line of its error messages.</summary>
    public string? Complaint()
    {
        _process.WaitForExit();
        string? line = _errors.Result
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        // "[mp3 @ 0x55…] Header missing" and "file:a.mp3: Invalid data …" name what the message of ours names too.
        if (line is not null && line.StartsWith('[') && line.IndexOf("] ", StringComparison.Ordinal) is var end and > 0)
            line = line[(end + 2)..];
        return line?.Replace("file:" + _where + ": ", "", StringComparison.Ordinal)
            .Replace("pipe:0: ", "", StringComparison.Ordinal).TrimEnd('.');
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        End();
        _process.WaitForExit();
        Task.WaitAll(_errors, _input);
        _process.Dispose();
    }

    // Both wait for the process, which would keep threads of the pool from other work.
    private static Task<T> OnThread<T>(Func<T> action) => Task.Factory.StartNew(action, CancellationToken.None,
        TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static bool Feed(Process process, Action<Stream> feed)
    {
        try
        {
            using Stream input = process.StandardInput.BaseStream;
            feed(input);
            return true;
        }
        catch (IOException)
        {
            return false; // the process ended before it read everything; what it says on the other pipes is reported
        }
    }

    private static string Said(StreamReader errors)
    {
        var kept = new char[MostSaid];
        int count = errors.ReadBlock(kept);
        while (errors.ReadBlock(new char[MostSaid]) > 0)
        {
            // The rest is dropped: a full pipe would stop the process.
        }
        return new string(kept, 0, count);
    }

    private void End()
    {
        try
        {
            if (!_process.HasExited)
                _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended in the meantime.
        }
    }
}
