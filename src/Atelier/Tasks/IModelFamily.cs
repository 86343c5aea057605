using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Training;

namespace Atelier.Tasks;

/// <summary>
/// A kind of model: how it is created, trained and loaded. A new family is one folder under Models and one line in
/// ModelFamilies.
/// </summary>
public interface IModelFamily : IModelSection
{
    /// <summary>One line for lists and help.</summary>
    string Description { get; }

    /// <summary>The tasks that it learns for; the first one is the default.</summary>
    IReadOnlyList<ITask> Tasks { get; }

    /// <summary>
    /// Whether it trains step by step, by the recipe's training section. Other families count, or iterate by their own
    /// configuration.
    /// </summary>
    bool TakesSteps => true;

    /// <inheritdoc/>
    /// <remarks>A key of some task has a use where the recipe's own task reads it.</remarks>
    bool IModelSection.Reads(string key, Recipe recipe)
    {
        if (!TakesSteps && UnreadKeys.IsIn(key, UnreadKeys.OfSteps))
            return false;
        ITask? own = recipe.Data.Kind is { } kind ? Tasks.FirstOrDefault(task => task.Name == kind) : Tasks[0];
        return own is null || UnreadKeys.IsIn(key, own.RecipeKeys)
            || !TaskList.All.Any(task => UnreadKeys.IsIn(key, task.RecipeKeys));
    }

    /// <summary>The values of config.json's model_type that it loads: "gpt2", "llama".</summary>
    IReadOnlyList<string> ModelTypes { get; }

    /// <summary>Creates the learner that trains a new model of the recipe on the data.</summary>
    /// <exception cref="AtelierException">The configuration is impossible or does not fit the data.</exception>
    ILearner CreateLearner(Recipe recipe, IDataSource data);

    /// <summary>Loads a finished model.</summary>
    /// <param name="bundle">The folder with config.json, model.safetensors and what goes with them.</param>
    /// <param name="device">"cpu" or "cuda".</param>
    /// <param name="cancellation">Cancels loading between tensors.</param>
    /// <exception cref="AtelierException">The bundle is damaged or of another kind.</exception>
    ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default);
}
