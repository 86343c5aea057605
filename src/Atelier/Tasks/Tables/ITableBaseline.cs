using Atelier.Abstractions;
using Atelier.Data.Tables;

namespace Atelier.Tasks.Tables;

/// <summary>A family whose models serve as a baseline for other models of table rows.</summary>
public interface ITableBaseline
{
    /// <summary>The baseline's name in reports: "independent".</summary>
    string BaselineName { get; }

    /// <summary>Whether a model is the baseline itself, which is then not compared with itself.</summary>
    bool IsBaseline(IRowModel model);

    /// <summary>Fits the baseline to training rows; the model is an <see cref="IRowModel"/>.</summary>
    ITrainedModel FitBaseline(TableRows rows);
}
