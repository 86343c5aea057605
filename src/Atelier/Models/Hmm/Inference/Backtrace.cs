namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The best paths to each state through a half of a sequence, from the sequence's end to its middle: index 0 is the
/// first or the last time.
/// </summary>
/// <param name="times">Times in the half.</param>
internal abstract unsafe class Backtrace(int times) : IDisposable
{
    /// <summary>Times.</summary>
    public int Times { get; } = times;

    /// <summary>[width]: the log-probability of the best path to each state of the middle.</summary>
    public abstract double* Last { get; }

    /// <summary>The sum of the logarithms of the largest likelihoods, which were taken out.</summary>
    public double Logs { get; protected set; }

    /// <summary>Follows the best path back from the middle.</summary>
    /// <param name="state">The state of the last index.</param>
    /// <param name="path">[times]: the states in time's order.</param>
    /// <param name="turned">Whether index 0 is the last time.</param>
    public abstract void Trace(int state, Span<int> path, bool turned);

    /// <inheritdoc/>
    public abstract void Dispose();
}
