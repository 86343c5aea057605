namespace Atelier.Recipes;

/// <summary>The part of a family that recipes need: its name, and the keys of its model section.</summary>
public interface IModelSection
{
    /// <summary>The name that recipes use, such as "gpt".</summary>
    string Name { get; }

    /// <summary>
    /// The configuration record: it has a parameterless constructor, and its properties are the keys of the recipe's
    /// model section.
    /// </summary>
    Type ConfigType { get; }

    /// <summary>
    /// Returns whether models of the family use a key outside the model section. A recipe that sets an unused key is
    /// refused.
    /// </summary>
    /// <param name="key">The path of the key, such as "generation.temperature".</param>
    /// <param name="recipe">The recipe that sets it.</param>
    bool Reads(string key, Recipe recipe) => true;
}
