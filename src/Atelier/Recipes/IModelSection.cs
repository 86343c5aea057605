using System.Collections.ObjectModel;

namespace Atelier.Recipes;

/// <summary>A family as recipes know it: its name, and the keys of the model section that are its own.</summary>
public interface IModelSection
{
    /// <summary>The name in recipes: "gpt".</summary>
    string Name { get; }

    /// <summary>A record with a parameterless constructor; its properties are the recipe's model section.</summary>
    Type ConfigType { get; }

    /// <summary>
    /// The keys that recipes of earlier versions call otherwise: the earlier path, such as "model.guidance", and the
    /// present one.
    /// </summary>
    IReadOnlyDictionary<string, string> RenamedKeys => ReadOnlyDictionary<string, string>.Empty;

    /// <summary>
    /// Returns what ignores a key, such as "the family gan", or null where the key is read. A recipe that sets an
    /// ignored key is refused.
    /// </summary>
    /// <param name="key">The key's path: "generation.temperature".</param>
    /// <param name="recipe">The recipe that sets it.</param>
    string? IgnoredBy(string key, Recipe recipe) => null;
}
