namespace Atelier.Cli;

/// <summary>
/// Ctrl-C, and the signals that ask for the same. The first is answered at once and asks the command to end; one that
/// is at work on something that cannot be interrupted, and has nothing to keep, is ended a moment later. The second
/// ends the process at once.
/// </summary>
/// <param name="say">Gives the answer; must not wait for anything.</param>
/// <param name="wait">Waits, on the thread that the signal came on.</param>
/// <param name="end">Ends the process.</param>
internal sealed class Interruption(Action<string> say, Action<TimeSpan> wait, Action end) : IDisposable
{
    /// <summary>The exit code of a command that was interrupted, as shells count an end by Ctrl-C.</summary>
    public const int ExitCode = 130;

    /// <summary>The answer to the first signal.</summary>
    public const string Answer = "stopping; press Ctrl-C again to end at once";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _stop = new();
    private int _signals, _keeping;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Takes a signal. Comes back only where <c>end</c> does.</summary>
    public void Receive()
    {
        if (Interlocked.Increment(ref _signals) > 1)
        {
            end();
            return;
        }
        say(Answer);
        _stop.Cancel();
        bool kept;
        do
        {
            kept = Volatile.Read(ref _keeping) > 0;
            wait(Grace);
        }
        while (kept || Volatile.Read(ref _keeping) > 0); // what was kept is reported after that
        end();
    }

    /// <summary>
    /// Until the answer is disposed, the command has something to finish and keep, and is given the time that it takes.
    /// </summary>
    public IDisposable Keep()
    {
        Interlocked.Increment(ref _keeping);
        return new Keeping(this);
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    private sealed class Keeping(Interruption interruption) : IDisposable
    {
        private bool _isDone;

        public void Dispose()
        {
            if (!_isDone)
                Interlocked.Decrement(ref interruption._keeping);
            _isDone = true;
        }
    }
}
