using Atelier.Data.Tables;

namespace Atelier.Tasks.Tables;

/// <summary>A capability: computes the probability of the rows of a table.</summary>
public interface IRowModel
{
    /// <summary>The columns of the table.</summary>
    TableSchema Schema { get; }

    /// <summary>The number of free parameters, which BIC penalises.</summary>
    long FreeParameters { get; }

    /// <summary>
    /// Returns the natural logarithm of each row's probability (or density), marginalised over missing cells; minus
    /// infinity if a row is impossible under the model.
    /// </summary>
    /// <param name="rows">The rows, with the columns of <see cref="Schema"/>.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    double[] LogLikelihoods(TableRows rows, CancellationToken cancellation = default);
}
