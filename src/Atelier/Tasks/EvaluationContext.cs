using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Tasks;

/// <summary>What an evaluation needs: the model, the data and the options.</summary>
/// <param name="Model">The model.</param>
/// <param name="Data">The data, of the task that evaluates.</param>
/// <param name="Options">How to evaluate.</param>
/// <param name="Run">The name that the report carries.</param>
/// <param name="Seed">The seed of resampling and samples.</param>
/// <param name="Picture">The path of a plot (PNG) of the headline figure compared with the baselines', or null.</param>
/// <param name="Folder">The run's folder, which caches what is learned for evaluation; null caches nothing.</param>
/// <param name="Other">The other data of the test part; null if all parts come from the recipe's own source.</param>
public sealed record EvaluationContext(
    ITrainedModel Model, IDataSource Data, EvaluationSection Options, string Run, long Seed, string? Picture,
    string? Folder = null, OtherData? Other = null)
{
    /// <summary>The families whose models may serve as baselines; none by default.</summary>
    public IReadOnlyList<IModelFamily> Families { get; init; } = [];
}
