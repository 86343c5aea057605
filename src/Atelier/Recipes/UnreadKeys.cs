namespace Atelier.Recipes;

/// <summary>Finds the keys of a recipe that have a value of their own and that nothing reads.</summary>
internal static class UnreadKeys
{
    /// <summary>The keys and sections that only learning step by step reads.</summary>
    public static IReadOnlyList<string> OfSteps { get; } =
    [
        "training.optimizer", "training.schedule", "training.clipNorm", "training.labelSmoothing", "training.ema",
        "training.gradientAccumulation", "training.activationCheckpointing",
    ];

    /// <summary>The keys, in the recipe's order, each with what does not read it.</summary>
    /// <remarks>A key with its default value is never among them: a run's resolved recipe names every key.</remarks>
    public static IEnumerable<(string Key, string Reader)> Find(Recipe recipe, IModelSection family)
    {
        var usual = RecipeEntry.Of(new Recipe { Model = recipe.Model }).ToDictionary(e => e.Key, e => e.Value);
        foreach ((string key, string value, _) in RecipeEntry.Of(recipe))
        {
            if (usual.GetValueOrDefault(key) == value)
                continue;
            if (!family.Reads(key, recipe))
                yield return (key, recipe.Data.Kind is { } kind ? $"the family {family.Name} on {kind}"
                    : $"the family {family.Name}");
            else if (key.StartsWith(OptimizerSection.Path, StringComparison.Ordinal)
                && !recipe.Training.Optimizer.Reads(key[OptimizerSection.Path.Length..]))
                yield return (key, $"the rule {RecipeNames.Value(recipe.Training.Optimizer.Name)}");
        }
    }

    /// <summary>Whether a key is one of some keys, or stands in one of some sections.</summary>
    public static bool IsIn(string key, IEnumerable<string> keys) => keys.Any(of =>
        key.StartsWith(of, StringComparison.Ordinal) && (key.Length == of.Length || key[of.Length] == '.'));
}
