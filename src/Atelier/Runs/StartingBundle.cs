using System.Reflection;
using Atelier.Recipes;
using Atelier.Tokenizers;

namespace Atelier.Runs;

/// <summary>The bundle that a training starts from.</summary>
internal static class StartingBundle
{
    private const string ModelPrefix = "model.", LeaveOut = "leave it out";
    private const int ShownDigits = 12;

    /// <summary>Opens the bundle of training.from; null without one.</summary>
    /// <exception cref="AtelierException">There is no bundle, or it has other weights than the recipe says.</exception>
    public static Bundle? Open(TrainingSection section)
    {
        if (section.From is not { } folder)
            return null;
        Bundle bundle = Bundle.Open(folder);
        if (section.FromWeights is { } due && BundleIdentity.Of(bundle).Weights is var held && held != due)
            throw new AtelierException($"its weights have the SHA-256 {Shown(held)}, but training.fromWeights is "
                + Shown(due), bundle.Folder, "restore the bundle, or set training.from to a copy of it");
        return bundle;
    }

    /// <summary>Returns a recipe with what a bundle implies for it.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="bundle">The bundle of training.from.</param>
    /// <param name="family">The family of the bundle.</param>
    /// <param name="config">The configuration of the bundle, whose keys the recipe may change that do not change its
    /// weights.</param>
    /// <exception cref="AtelierException">A key of the recipe contradicts the bundle.</exception>
    public static Recipe Resolve(Recipe recipe, Bundle bundle, string family, object config)
    {
        string[] given = [.. recipe.Given.Where(key => key.StartsWith(ModelPrefix, StringComparison.Ordinal))];
        var usual = new Recipe();
        bool isUnset = given.Length == 0 && recipe.Model.Family == usual.Model.Family
            && (recipe.Model.Config is not { } set || set.Equals(Activator.CreateInstance(set.GetType())));
        if (recipe.Model.Family != family && !isUnset)
        {
            if (recipe.Model.Family != usual.Model.Family || given.Contains("model.family") || given.Length == 0)
                throw Contradiction("model.family", recipe.Model.Family, family);
            throw new AtelierException($"{given[0]} is a key of the family {recipe.Model.Family}, but the model of "
                + $"training.from is of the family {family}", given[0], LeaveOut);
        }
        if (recipe.Model.Family == family && recipe.Model.Config is { } asked)
            Merge(asked, config, given);
        return recipe with
        {
            Model = new ModelSection(family, config),
            Data = recipe.Data with { Tokenizer = TokenizerOf(recipe.Data.Tokenizer, bundle) },
            Training = recipe.Training with
            {
                From = bundle.Folder,
                FromWeights = recipe.Training.FromWeights ?? BundleIdentity.Of(bundle).Weights,
            },
        };
    }

    /// <summary>Takes the keys of a recipe that may differ, and refuses others.</summary>
    private static void Merge(object asked, object config, string[] given)
    {
        object usual = Activator.CreateInstance(config.GetType())!;
        foreach (PropertyInfo property in RecipeNames.Properties(config.GetType()))
        {
            string key = ModelPrefix + RecipeNames.Key(property);
            string? Value(object of) => property.GetValue(of) is { } value ? RecipeWriter.Plain(value) : null;
            bool isGiven = given.Contains(key) || Value(asked) != Value(usual);
            if (!isGiven || Value(asked) is not { } value || value == Value(config))
                continue;
            if (!property.IsDefined(typeof(MayChangeAttribute)))
                throw Contradiction(key, value, Value(config) ?? "not set");
            property.SetValue(config, property.GetValue(asked));
        }
    }

    private static TokenizerSection TokenizerOf(TokenizerSection asked, Bundle bundle)
    {
        if (TokenizerFile.PathIn(bundle.Folder) is not { } file)
            return asked;
        TokenizerSection usual = new(), own = usual with { File = file };
        if (asked == usual || asked with { File = Path.GetFullPath(asked.File ?? file) } == own)
            return own;
        foreach (PropertyInfo property in RecipeNames.Properties(typeof(TokenizerSection)))
        {
            string? value = RecipeWriter.Plain(property.GetValue(asked));
            if (value != RecipeWriter.Plain(property.GetValue(usual)))
                throw new AtelierException($"data.tokenizer.{RecipeNames.Key(property)} is {value}, but the model of "
                    + "training.from has its own tokenizer", $"data.tokenizer.{RecipeNames.Key(property)}",
                    "leave it out; training.extendVocabulary adds tokens");
        }
        return own;
    }

    private static AtelierException Contradiction(string key, string asked, string own) =>
        new($"{key} is {asked}, but the model of training.from has {own}", key, LeaveOut);

    private static string Shown(string hash) => hash.Length > ShownDigits ? hash[..ShownDigits] + "…" : hash;
}
