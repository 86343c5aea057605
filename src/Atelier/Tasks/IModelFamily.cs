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

    /// <summary>The keys of the training section that a family which takes no steps reads all the same.</summary>
    IReadOnlyList<string> TrainingKeys => [];

    /// <summary>Keys that a choice of the recipe, or the family itself, leaves without a use.</summary>
    /// <param name="recipe">A recipe of the family.</param>
    IEnumerable<IgnoredKeys> Ignored(Recipe recipe) => [];

    /// <inheritdoc/>
    /// <remarks>A key of some task has a use where the recipe's own task reads it.</remarks>
    string? IModelSection.IgnoredBy(string key, Recipe recipe)
    {
        if (Ignored(recipe).FirstOrDefault(ignored => UnreadKeys.IsIn(key, ignored.Keys)) is { } found)
            return found.By;
        ITask? own = recipe.Data.Kind is { } kind ? Tasks.FirstOrDefault(task => task.Name == kind) : Tasks[0];
        bool isForSteps = UnreadKeys.IsIn(key, ["training"]) && !UnreadKeys.IsIn(key, TrainingKeys);
        bool isOfOther = own is not null && !UnreadKeys.IsIn(key, own.RecipeKeys)
            && TaskList.All.Any(task => UnreadKeys.IsIn(key, task.RecipeKeys));
        return (TakesSteps || !isForSteps) && !isOfOther ? null
            : recipe.Data.Kind is { } on ? $"the family {Name} on {on}" : $"the family {Name}";
    }

    /// <summary>
    /// Returns the variants of a recipe, such as sizes and learning rates, that are tried when a model is chosen for
    /// data.
    /// </summary>
    /// <param name="task">The task of the recipe.</param>
    /// <param name="advised">The recipe that is advised for the data.</param>
    IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) => [RecipeVariant.AsAdvised];

    /// <summary>
    /// Returns what models of a task are for: "generate", or another word such as "fill-in". Only families with the
    /// same purpose are compared.
    /// </summary>
    /// <param name="task">The task.</param>
    string PurposeOf(ITask task) => "generate";

    /// <summary>The values of model_type in config.json that the family loads, such as "gpt2" and "llama".</summary>
    IReadOnlyList<string> ModelTypes { get; }

    /// <summary>
    /// Returns the configuration record of the model in a bundle, for a training that starts from its weights; null if
    /// the family cannot start from a bundle.
    /// </summary>
    /// <exception cref="AtelierException">The config.json of the bundle is damaged.</exception>
    object? ReadConfiguration(Bundle bundle) => null;

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
