using Atelier.Recipes;
using Atelier.Tasks;

namespace Atelier;

/// <summary>A training that is suggested for a user's own data.</summary>
/// <param name="Recipe">The resolved recipe.</param>
/// <param name="Settings">What differs from the defaults, such as "training.steps=500".</param>
/// <param name="Amount">The amount of data that the settings were chosen for, such as "2.3 MB of text".</param>
/// <param name="Summary">The recipe in one line.</param>
public sealed record TrainingAdvice(Recipe Recipe, IReadOnlyList<string> Settings, string Amount, string Summary);

public sealed partial class Workshop
{
    /// <summary>Suggests a training for a user's own file or folder.</summary>
    /// <param name="task">What the model is for.</param>
    /// <param name="path">The path of the file or folder.</param>
    /// <param name="family">The name of the family; null takes that of <paramref name="from"/>, or the default.</param>
    /// <param name="from">The folder of a run or a bundle to start from; null starts from random weights.</param>
    /// <param name="overrides">Changes to what is suggested, such as "training.steps=500"; null for none.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no such file, family or model, or a change is wrong.</exception>
    public TrainingAdvice Advise(ITask task, string path, string? family = null, string? from = null,
        IReadOnlyList<string>? overrides = null, CancellationToken cancellation = default)
    {
        IModelFamily advised = family is null && from is not null ? FamilyOfModel(from)
            : family is null ? FamiliesFor(task)[0] : FamilyNamed(family);
        DataAdvice advice = task.Advise(path, advised, cancellation);
        // a model to start from has its own shape and tokenizer
        string[] settings = [.. advice.Overrides.Where(setting => from is null
            || setting.StartsWith("model.family=", StringComparison.Ordinal)
            || !(setting.StartsWith("model.", StringComparison.Ordinal)
                || setting.StartsWith("data.tokenizer.", StringComparison.Ordinal)))];
        Recipe recipe = Resolve(
            RecipeReader.Parse("", Mention.Field(task.Name), Families, [.. settings, .. overrides ?? []]), from);
        return new(recipe, settings, advice.Amount, RecipeSummary.Of(recipe, FamilyOf(recipe)));
    }

    /// <summary>
    /// Returns the families that can learn a task: first the default family of recipes, if it is among them.
    /// </summary>
    /// <param name="task">The task.</param>
    public IReadOnlyList<IModelFamily> FamiliesFor(ITask task) =>
        [.. Families.Where(family => family.Tasks.Any(known => known.Name == task.Name))
            .OrderByDescending(family => family.Name == new Recipe().Model.Family)];

    private IModelFamily FamilyNamed(string name) => Families.FirstOrDefault(family => family.Name == name)
        ?? throw new AtelierException($"there is no family '{name}'", Mention.Field("model"),
            $"the families are {string.Join(", ", Families.Select(family => family.Name))}");
}
