using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>
    /// Returns a recipe with what training.from implies: the family, the model section and the tokenizer of that
    /// bundle, its full path, and the SHA-256 of its weights; and with the full path of a teacher. Training does
    /// this too; it is useful to show the settings of a training before it begins.
    /// </summary>
    /// <exception cref="AtelierException">There is no such bundle, or a key of the recipe contradicts it.</exception>
    public Recipe Resolve(Recipe recipe)
    {
        if (recipe.Training.Teacher is { } teacher)
        {
            FamilyOfModel(teacher); // a mistake is found before data are prepared
            recipe = recipe with { Training = recipe.Training with { Teacher = Path.GetFullPath(teacher) } };
        }
        TrainingSection section = recipe.Training;
        if (section.From is null)
        {
            string? needing = section.Lora is not null ? "training.lora"
                : section.ExtendVocabulary.Count > 0 ? "training.extendVocabulary"
                : section.KeepZeros ? "training.keepZeros" : null;
            return needing is null ? recipe : throw new AtelierException($"{needing} needs a model to start from",
                needing, "set training.from to the folder of a run or a bundle");
        }
        Bundle bundle = StartingBundle.Open(section)!;
        IModelFamily family = FamilyOf(bundle);
        object config = family.ReadConfiguration(bundle)
            ?? throw new AtelierException($"the family {family.Name} cannot start from the weights of a bundle",
                "training.from", "leave it out");
        return StartingBundle.Resolve(recipe, bundle, family.Name, config);
    }

    /// <summary>Returns a recipe that starts from a model, with what this implies.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="from">The folder of a run or a bundle; null leaves training.from as it is.</param>
    /// <inheritdoc cref="Resolve(Recipe)" path="/exception"/>
    public Recipe Resolve(Recipe recipe, string? from) => Resolve(from is null ? recipe
        : recipe with { Training = recipe.Training with { From = from } });

    /// <summary>Returns the family of the model in a folder.</summary>
    /// <param name="folder">The folder of a run or a bundle.</param>
    /// <exception cref="AtelierException">There is no model, or no family loads it.</exception>
    public IModelFamily FamilyOfModel(string folder) => FamilyOf(Bundle.Open(folder));
}
