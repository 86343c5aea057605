using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Training;

namespace Atelier.Tasks;

/// <summary>
/// One kind of model: how to make it, teach it, load it. A new family is one folder and one line in
/// ModelFamilies.
/// </summary>
public interface IModelFamily : IModelSection
{
    /// <summary>One line for lists and help.</summary>
    string Description { get; }

    /// <summary>The kinds of data that it learns from; the first where a recipe does not say.</summary>
    IReadOnlyList<ITask> Tasks { get; }

    /// <summary>
    /// Whether it learns step by step as the recipe's training section says; others count, or iterate as their own
    /// configuration says.
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

    /// <summary>What teaches a new model of the recipe on the data.</summary>
    /// <exception cref="AtelierException">The configuration is impossible or does not fit the data.</exception>
    ILearner CreateLearner(Recipe recipe, IDataSource data);

    /// <summary>Loads a finished model.</summary>
    /// <param name="bundle">The folder with config.json, model.safetensors and what goes with them.</param>
    /// <param name="device">"cpu" or "cuda".</param>
    /// <param name="cancellation">Stops between tensors.</param>
    /// <exception cref="AtelierException">The bundle is damaged or of another kind.</exception>
    IGenerator Load(Bundle bundle, string device, CancellationToken cancellation = default);
}
