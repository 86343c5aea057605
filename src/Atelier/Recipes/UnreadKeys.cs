namespace Atelier.Recipes;

/// <summary>Finds keys of a recipe that have a value other than the default, but that nothing reads.</summary>
internal static class UnreadKeys
{
    /// <summary>The keys, in the recipe's order, each with what does not read it.</summary>
    /// <remarks>A key with its default value is never among them: a run's resolved recipe names every key.</remarks>
    public static IEnumerable<(string Key, string Reader)> Find(Recipe recipe, IModelSection family)
    {
        ModelSection model = recipe.Model with { Config = Activator.CreateInstance(family.ConfigType) };
        var usual = RecipeEntry.Of(new Recipe { Model = model }).ToDictionary(e => e.Key, e => e.Value);
        foreach ((string key, string value, _) in RecipeEntry.Of(recipe))
        {
            if (usual.GetValueOrDefault(key) != value
                && (family.IgnoredBy(key, recipe) ?? recipe.Training.IgnoredBy(key)) is { } reader)
                yield return (key, reader);
        }
    }

    /// <summary>Returns whether a key is one of the given keys, or in one of the given sections.</summary>
    public static bool IsIn(string key, IEnumerable<string> keys) => keys.Any(of =>
        key.StartsWith(of, StringComparison.Ordinal) && (key.Length == of.Length || key[of.Length] == '.'));
}
