namespace Atelier.Cli;

/// <summary>
/// Handles Ctrl-C and the signals that ask for the same. The first one is answered at once and cancels the command; a
/// command that does not stop, and has nothing to save, is ended a moment later. The second one ends the process.
/// </summary>
/// <param name="say">Writes the answer; must not block.</param>
/// <param name="wait">Waits on the thread of the signal.</param>
/// <param name="end">Ends the process.</param>
internal sealed class Interruption(Action<string> say, Action<TimeSpan> wait, Action end) : IDisposable
{
    /// <summary>The exit code of an interrupted command, as in shells.</summary>
    public const int ExitCode = 130;

    /// <summary>The answer to the first signal.</summary>
    public const string Answer = "stopping; press Ctrl-C again to end at once";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _stop = new();
    private int _signals, _keeping;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Handles a signal. Returns only if <c>end</c> returns.</summary>
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
        while (kept || Volatile.Read(ref _keeping) > 0); // saved work is reported afterwards
        end();
    }

    /// <summary>
    /// Announces that the command has something to save: it is not ended before the returned object is disposed.
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
