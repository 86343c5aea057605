namespace Atelier.Recipes;

/// <summary>A family as recipes know it: its name, and the keys of the model section that are its own.</summary>
public interface IModelSection
{
    /// <summary>The name in recipes: "gpt".</summary>
    string Name { get; }

    /// <summary>A record with a parameterless constructor; its properties are the recipe's model section.</summary>
    Type ConfigType { get; }

    /// <summary>
    /// Whether a key outside the model section has a use for models of the family; a recipe that sets another is
    /// refused.
    /// </summary>
    /// <param name="key">The key's path: "generation.temperature".</param>
    /// <param name="recipe">The recipe that sets it.</param>
    bool Reads(string key, Recipe recipe) => true;
}
