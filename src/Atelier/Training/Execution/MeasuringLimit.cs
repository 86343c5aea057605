namespace Atelier.Training.Execution;

/// <summary>
/// The time limit for measuring execution plans: ten seconds or a tenth of the training time, whichever is less. The
/// training time is estimated from the steps that are timed.
/// </summary>
/// <param name="clock">The clock.</param>
/// <param name="steps">The number of training steps left; null if unlimited.</param>
/// <param name="seconds">The training time left in seconds; null if unlimited.</param>
/// <param name="cancellation">Ends the measurement after the current step.</param>
internal sealed class MeasuringLimit(TimeProvider clock, long? steps, double? seconds, CancellationToken cancellation)
{
    private const double Longest = 10; // seconds
    private const double Share = 0.1; // of the training time
    private readonly long _started = clock.GetTimestamp();
    private double _fastest = double.PositiveInfinity; // the shortest time of a step so far, in seconds

    /// <summary>Returns whether training is so short that no plan could be timed within the limit.</summary>
    /// <param name="stepsToTime">The number of steps that timing a plan takes.</param>
    public bool IsTooShort(int stepsToTime) => steps * Share < stepsToTime;

    /// <summary>Whether the time limit is reached.</summary>
    /// <exception cref="OperationCanceledException">Training was interrupted.</exception>
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

    /// <summary>Runs a training step, and returns its time in seconds.</summary>
    public double Time(Action step)
    {
        long began = clock.GetTimestamp();
        step();
        double took = clock.GetElapsedTime(began).TotalSeconds;
        _fastest = Math.Min(_fastest, took);
        return took;
    }

    /// <summary>Waits for some time, or until training is interrupted.</summary>
    public void Wait(TimeSpan time) => cancellation.WaitHandle.WaitOne(time);
}
