namespace Atelier.Recipes;

/// <summary>Finds keys of a recipe that have a value other than the default, but that nothing reads.</summary>
internal static class UnreadKeys
{
    /// <summary>The keys and sections that only gradient descent reads.</summary>
    public static IReadOnlyList<string> OfSteps { get; } =
    [
        "training.optimizer", "training.schedule", "training.clipNorm", "training.labelSmoothing", "training.ema",
        "training.gradientAccumulation", "training.activationCheckpointing",
    ];

    /// <summary>
    /// Returns the unread keys in the order of the recipe, each with the family or optimizer that does not read it.
    /// </summary>
    /// <remarks>
    /// Keys with their default values are not returned, because the resolved recipe of a run contains all keys.
    /// </remarks>
    public static IEnumerable<(string Key, string Reader)> Find(Recipe recipe, IModelSection family)
    {
        var defaults = RecipeEntry.Of(new Recipe { Model = recipe.Model }).ToDictionary(e => e.Key, e => e.Value);
        foreach ((string key, string value, _) in RecipeEntry.Of(recipe))
        {
            if (defaults.GetValueOrDefault(key) == value)
                continue;
            string kind = recipe.Data.Kind is null ? "" : $" on {recipe.Data.Kind}";
            if (!family.Reads(key, recipe))
                yield return (key, $"the family {family.Name}{kind}");
            else if (key.StartsWith(OptimizerSection.Path, StringComparison.Ordinal)
                && !recipe.Training.Optimizer.Reads(key[OptimizerSection.Path.Length..]))
                yield return (key, $"the rule {RecipeNames.Value(recipe.Training.Optimizer.Name)}");
        }
    }

    /// <summary>Returns whether a key is one of the given keys, or in one of the given sections.</summary>
    public static bool IsIn(string key, IEnumerable<string> keys) => keys.Any(of =>
        key.StartsWith(of, StringComparison.Ordinal) && (key.Length == of.Length || key[of.Length] == '.'));
}
