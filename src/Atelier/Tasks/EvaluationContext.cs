using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Tasks;

/// <summary>The model, the data and the options of an evaluation.</summary>
/// <param name="Model">The model to evaluate.</param>
/// <param name="Data">The data, prepared by the task that evaluates.</param>
/// <param name="Options">The evaluation options.</param>
/// <param name="Run">The name of the run or bundle in the report.</param>
/// <param name="Seed">The seed of the bootstrap and of samples.</param>
/// <param name="Picture">The path to which to write a plot (PNG) of the headline metric of the model and its baselines;
/// null for none.</param>
/// <param name="Folder">The folder of the run, which caches models that are trained for evaluation; null disables the
/// cache.</param>
/// <param name="Other">The other source of the test part; null if all parts come from the source of the recipe.</param>
public sealed record EvaluationContext(
    ITrainedModel Model, IDataSource Data, EvaluationSection Options, string Run, long Seed, string? Picture,
    string? Folder = null, OtherData? Other = null)
{
    /// <summary>
    /// Whether to evaluate on the validation part even if there is a test part, such as to choose among models.
    /// </summary>
    public bool OnValidation { get; init; }

    /// <summary>
    /// Whether only the headline metric is needed, such as to choose among models: evaluations of images and sounds
    /// then leave out baselines and the search for copies, which take longer than the metric itself.
    /// </summary>
    public bool HeadlineOnly { get; init; }

    /// <summary>The families whose models may serve as baselines; none by default.</summary>
    public IReadOnlyList<IModelFamily> Families { get; init; } = [];
}
