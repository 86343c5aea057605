using System.Collections.ObjectModel;

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
    /// The keys that recipes of earlier versions call otherwise: the earlier path, such as "model.guidance", and the
    /// present one.
    /// </summary>
    IReadOnlyDictionary<string, string> RenamedKeys => ReadOnlyDictionary<string, string>.Empty;

    /// <summary>
    /// Returns what ignores a key, such as "the family gan", or null where the key is read. A recipe that sets an
    /// ignored key is refused.
    /// </summary>
    /// <param name="key">The path of the key, such as "generation.temperature".</param>
    /// <param name="recipe">The recipe that sets it.</param>
    string? IgnoredBy(string key, Recipe recipe) => null;
}
