using System.Reflection;

namespace Atelier.Recipes;

/// <summary>A key of a recipe with its value.</summary>
/// <param name="Key">The path of the key, such as "training.steps".</param>
/// <param name="Value">The value, as a recipe writes it.</param>
/// <param name="MayChange">Whether the value may be edited while a run is unfinished.</param>
public sealed record RecipeEntry(string Key, string Value, bool MayChange)
{
    /// <summary>
    /// Returns all keys of a recipe, including those with default values, in the order in which a recipe is written.
    /// </summary>
    public static IReadOnlyList<RecipeEntry> Of(Recipe recipe) => [.. Of(recipe, "", mayChange: false)];

    private static IEnumerable<RecipeEntry> Of(object record, string path, bool mayChange)
    {
        foreach ((object owner, PropertyInfo property) in RecipeNames.Keys(record))
        {
            string key = path + RecipeNames.Key(property);
            bool may = mayChange || property.IsDefined(typeof(MayChangeAttribute));
            object? value = property.GetValue(owner);
            if (value is ModelSection model)
            {
                yield return new($"{key}.family", model.Family, may);
                value = model.Config;
                if (value is null)
                    continue;
            }
            else if (RecipeWriter.Plain(value) is { } plain)
            {
                yield return new(key, plain, may);
                continue;
            }
            foreach (RecipeEntry entry in Of(value!, $"{key}.", may))
                yield return entry;
        }
    }
}
