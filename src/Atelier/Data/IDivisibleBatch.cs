namespace Atelier.Data;

/// <summary>
/// A batch whose rows can be shared out, so that several copies of a model learn from it at the same time.
/// </summary>
/// <typeparam name="TBatch">The batch's own type.</typeparam>
public interface IDivisibleBatch<TBatch>
{
    /// <summary>
    /// Divides the rows into at most so many parts of about the same size. The whole's mean loss is the sum of the
    /// parts' mean losses, each times its share, and so is the gradient.
    /// </summary>
    /// <param name="parts">The most parts; at least 1.</param>
    /// <returns>Views of this batch's tensors in the caller's dispose scope, each with its share; the shares sum to
    /// 1.</returns>
    IReadOnlyList<(TBatch Part, double Share)> Divide(int parts);
}
