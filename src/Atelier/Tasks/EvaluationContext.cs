using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Tasks;

/// <summary>A model to judge and what by.</summary>
/// <param name="Generator">The model.</param>
/// <param name="Data">The data, of the kind that judges.</param>
/// <param name="Options">How to judge.</param>
/// <param name="Run">The name that the report carries.</param>
/// <param name="Seed">Of resampling and samples.</param>
/// <param name="Picture">Where to draw the headline figure beside the baselines' (PNG), or null.</param>
/// <param name="Folder">The run's folder, where what is learned to judge by is kept for the next time; null keeps
/// nothing.</param>
/// <param name="Other">What other data the test part is; null where all parts come from the recipe's own
/// source.</param>
public sealed record EvaluationContext(
    IGenerator Generator, IDataSource Data, EvaluationSection Options, string Run, long Seed, string? Picture,
        string? Folder = null, OtherData? Other = null)
{
    /// <summary>The families whose models may serve as baselines; none by default.</summary>
    public IReadOnlyList<IModelFamily> Families { get; init; } = [];
}
