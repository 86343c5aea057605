using Atelier.Abstractions;
using Atelier.Data.Tables;

namespace Atelier.Tasks.Tables;

/// <summary>A family whose models serve as a baseline for other models of tables.</summary>
public interface ITableBaseline
{
    /// <summary>The name of the baseline in reports, such as "independent".</summary>
    string BaselineName { get; }

    /// <summary>
    /// Returns whether a model is itself of the baseline's kind, so that a comparison would be meaningless.
    /// </summary>
    bool IsBaseline(IRowModel model);

    /// <summary>Fits the baseline to training rows. The model has the capability <see cref="IRowModel"/>.</summary>
    ITrainedModel FitBaseline(TableRows rows);
}
