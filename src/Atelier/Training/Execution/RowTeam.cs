using Atelier.Kernels;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// Threads that each take some rows of a batch through a network, without gradients: on a CPU this beats every
/// operation on all threads, which wait for one another at its end. What is computed does not depend on how many there
/// are.
/// </summary>
/// <param name="team">The threads; null where the calling one is alone.</param>
/// <param name="weights">What they share.</param>
/// <param name="end">Done when it is disposed.</param>
internal sealed class RowTeam(WorkerTeam? team, RoundedWeights weights, Action end) : IDisposable
{
    /// <summary>What a function makes of all rows.</summary>
    /// <param name="rows">How many there are.</param>
    /// <param name="compute">What it makes of some: given the first one and how many.</param>
    /// <returns>One result under another along the first dimension, in the caller's dispose scope.</returns>
    public Tensor Map(long rows, Func<long, long, Tensor> compute)
    {
        if (team is null || rows < team.Size)
        {
            using var scope = NewDisposeScope(); // what lies between is gone, here as on the threads
            return compute(0, rows).MoveToOuterDisposeScope();
        }
        var parts = new Tensor[team.Size];
        team.Run(member =>
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad(); // a thread's own setting
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
