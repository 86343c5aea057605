using Atelier.Kernels;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>Computes a network for the rows of a batch.</summary>
public static class BatchRows
{
    /// <summary>
    /// Computes a network for a batch. While images are sampled on a CPU, each of several threads computes some rows,
    /// which is faster than sharing every operation, since threads wait for one another only once.
    /// </summary>
    /// <param name="network">Computes any number of rows, each from its own row of the inputs alone.</param>
    /// <param name="x">The first input, [batch, ...].</param>
    /// <param name="labels">The second input, [batch, ...]; null stays null.</param>
    /// <returns>The results, [batch, ...], in the caller's dispose scope.</returns>
    public static Tensor Map(Func<Tensor, Tensor?, Tensor> network, Tensor x, Tensor? labels = null)
    {
        StepContext context = StepContext.Current;
        long rows = x.shape[0];
        if (context.Team is not { } team || rows < team.Size || is_grad_enabled())
        {
            using var scope = NewDisposeScope(); // temporaries are disposed here, as on the threads
            return network(x, labels).MoveToOuterDisposeScope();
        }
        var parts = new Tensor[team.Size];
        team.Run(member =>
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad(); // a setting of each thread
            using var own = (context with { Team = null }).Use();
            long first = rows * member / parts.Length, count = (rows * (member + 1) / parts.Length) - first;
            parts[member] = network(x.narrow(0, first, count), labels?.narrow(0, first, count))
                .DetachFromDisposeScope();
        });
        Tensor whole = cat(parts, 0);
        foreach (Tensor part in parts)
            part.Dispose();
        return whole;
    }
}
