namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The best path to each state through one half of a sequence, from one end of the sequence to its middle. Index 0 is
/// the first time step for the first half and the last one for the second half.
/// </summary>
/// <param name="times">The number of time steps in the half.</param>
internal abstract unsafe class Backtrace(int times) : IDisposable
{
    /// <summary>The number of time steps in the half.</summary>
    public int Times { get; } = times;

    /// <summary>[width]: the log-probability of the best path to each state at the middle.</summary>
    public abstract double* Last { get; }

    /// <summary>The sum of the logarithms of the factors by which likelihoods were scaled down.</summary>
    public double Logs { get; protected set; }

    /// <summary>Follows the best path back from the middle.</summary>
    /// <param name="state">The state at the last index.</param>
    /// <param name="path">[times]: receives the states in order of time.</param>
    /// <param name="turned">Whether index 0 is the last time step.</param>
    public abstract void Trace(int state, Span<int> path, bool turned);

    /// <inheritdoc/>
    public abstract void Dispose();
}
