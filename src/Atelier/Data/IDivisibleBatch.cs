namespace Atelier.Data;

/// <summary>
/// A batch whose rows can be divided among several copies of a model, which process them at the same time.
/// </summary>
/// <typeparam name="TBatch">The type of the batch itself.</typeparam>
public interface IDivisibleBatch<TBatch>
{
    /// <summary>
    /// Divides the rows into parts of about the same size. The mean loss of the batch is the sum of the mean losses of
    /// the parts, each multiplied by its share; the same holds for the gradient.
    /// </summary>
    /// <param name="parts">The largest number of parts; at least 1.</param>
    /// <returns>The parts and their shares, which sum to 1. The tensors are views of this batch's, in the caller's
    /// dispose scope.</returns>
    IReadOnlyList<(TBatch Part, double Share)> Divide(int parts);
}
