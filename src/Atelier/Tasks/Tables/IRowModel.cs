using Atelier.Data.Tables;

namespace Atelier.Tasks.Tables;

/// <summary>A model of the rows of a table, which returns the probability of a row.</summary>
public interface IRowModel
{
    /// <summary>The columns it knows.</summary>
    TableSchema Schema { get; }

    /// <summary>The numbers it is free to choose: what BIC charges for.</summary>
    long FreeParameters { get; }

    /// <summary>
    /// [row]: the natural logarithm of each row's probability (or density), missing cells summed out; minus infinity
    /// where the model holds a row impossible.
    /// </summary>
    /// <param name="rows">Rows of the model's own columns.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    double[] LogLikelihoods(TableRows rows, CancellationToken cancellation = default);
}
