namespace Atelier.Recipes;

/// <summary>A family as recipes know it: its name, and the keys of the model section that are its own.</summary>
public interface IModelSection
{
    /// <summary>The name in recipes: "gpt".</summary>
    string Name { get; }

    /// <summary>A record with a parameterless constructor; its properties are the recipe's model section.</summary>
    Type ConfigType { get; }
}
