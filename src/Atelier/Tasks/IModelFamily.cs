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
    /// <summary>A description in one line, for lists and help.</summary>
    string Description { get; }

    /// <summary>The tasks that the family supports; the first one is the default.</summary>
    IReadOnlyList<ITask> Tasks { get; }

    /// <summary>
    /// Whether the family is trained by gradient descent, by the recipe's training section. Other families count, or
    /// iterate as their own configuration says.
    /// </summary>
    bool TakesSteps => true;

    /// <inheritdoc/>
    /// <remarks>A key that belongs to a task is used only if the task of the recipe reads it.</remarks>
    bool IModelSection.Reads(string key, Recipe recipe)
    {
        if (!TakesSteps && UnreadKeys.IsIn(key, UnreadKeys.OfSteps))
            return false;
        ITask? own = recipe.Data.Kind is { } kind ? Tasks.FirstOrDefault(task => task.Name == kind) : Tasks[0];
        return own is null || UnreadKeys.IsIn(key, own.RecipeKeys)
            || !TaskList.All.Any(task => UnreadKeys.IsIn(key, task.RecipeKeys));
    }

    /// <summary>The values of model_type in config.json that the family loads, such as "gpt2" and "llama".</summary>
    IReadOnlyList<string> ModelTypes { get; }

    /// <summary>Creates a learner, which trains a new model of the recipe on the data.</summary>
    /// <exception cref="AtelierException">The configuration is invalid or does not match the data.</exception>
    ILearner CreateLearner(Recipe recipe, IDataSource data);

    /// <summary>Loads a finished model.</summary>
    /// <param name="bundle">The bundle with config.json, model.safetensors and further files.</param>
    /// <param name="device">The device: "cpu" or "cuda".</param>
    /// <param name="cancellation">Cancels loading between tensors.</param>
    /// <exception cref="AtelierException">The bundle is damaged or belongs to another family.</exception>
    ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default);
}
