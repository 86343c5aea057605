namespace Atelier.Training.Execution;

/// <summary>
/// The time that measuring plans may take: ten seconds or a tenth of the training, whichever is less. How long the
/// training takes shows while steps are timed.
/// </summary>
/// <param name="clock">The clock.</param>
/// <param name="steps">Steps that are left to learn; null where they are not limited.</param>
/// <param name="seconds">Seconds that are left to learn; null where they are not limited.</param>
/// <param name="cancellation">Ends measuring within a step.</param>
internal sealed class MeasuringLimit(TimeProvider clock, long? steps, double? seconds, CancellationToken cancellation)
{
    private const double Longest = 10; // seconds
    private const double Share = 0.1; // of the training
    private readonly long _started = clock.GetTimestamp();
    private double _fastest = double.PositiveInfinity; // seconds of a step, so far

    /// <summary>Whether training is so short that no plan could be timed within the limit.</summary>
    /// <param name="stepsToTime">Steps that a timing takes.</param>
    public bool IsTooShort(int stepsToTime) => steps * Share < stepsToTime;

    /// <summary>Whether the time is up.</summary>
    /// <exception cref="OperationCanceledException">The training is interrupted.</exception>
    public bool IsOver
    {
        get
        {
            cancellation.ThrowIfCancellationRequested();
            double training =
                Math.Min((steps * _fastest) ?? double.PositiveInfinity, seconds ?? double.PositiveInfinity);
            return clock.GetElapsedTime(_started).TotalSeconds >= Math.Min(Longest, Share * training);
        }
    }

    /// <summary>Seconds that an action takes, counted as a step's.</summary>
    public double Time(Action step)
    {
        long began = clock.GetTimestamp();
        step();
        double took = clock.GetElapsedTime(began).TotalSeconds;
        _fastest = Math.Min(_fastest, took);
        return took;
    }

    /// <summary>Waits, unless the training is interrupted.</summary>
    public void Wait(TimeSpan time) => cancellation.WaitHandle.WaitOne(time);
}
