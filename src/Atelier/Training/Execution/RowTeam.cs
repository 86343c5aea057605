using Atelier.Kernels;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// Runs a network without gradients on several threads, each of which computes some rows of a batch. On a CPU this is
/// faster than running each operation on all threads, which then wait for one another after each operation. The result
/// does not depend on the number of threads.
/// </summary>
/// <param name="team">The threads; null to use only the calling thread.</param>
/// <param name="weights">The weights in bf16, which all threads share.</param>
/// <param name="end">Called on disposal.</param>
internal sealed class RowTeam(WorkerTeam? team, RoundedWeights weights, Action end) : IDisposable
{
    /// <summary>Applies a function to all rows.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="compute">Computes the result for a range of rows, given its start and its length.</param>
    /// <returns>The results, concatenated along the first dimension, in the caller's dispose scope.</returns>
    public Tensor Map(long rows, Func<long, long, Tensor> compute)
    {
        if (team is null || rows < team.Size)
        {
            using var scope = NewDisposeScope(); // disposes intermediate tensors, as on the threads
            return compute(0, rows).MoveToOuterDisposeScope();
        }
        var parts = new Tensor[team.Size];
        team.Run(member =>
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad(); // the setting is per thread
            using var context = (StepContext.Current with { Weights = weights }).Use();
            long from = rows * member / parts.Length;
            parts[member] = compute(from, (rows * (member + 1) / parts.Length) - from).DetachFromDisposeScope();
        });
        Tensor whole = cat(parts, 0);
        foreach (Tensor part in parts)
            part.Dispose();
        return whole;
    }

    /// <inheritdoc/>
    public void Dispose() => end();
}
