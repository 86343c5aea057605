using System.Reflection;

namespace Atelier.Recipes;

/// <summary>A recipe that comes with the library.</summary>
/// <param name="Name">What commands call it.</param>
/// <param name="Description">One line.</param>
/// <param name="Text">The YAML, with comments on where its numbers come from.</param>
public sealed record BuiltInRecipe(string Name, string Description, string Text);

/// <summary>The recipes that come with the library.</summary>
public static class BuiltInRecipes
{
    private const string Prefix = "Atelier.Recipes.BuiltIn.";
    private const string Suffix = ".yaml";

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<BuiltInRecipe> All { get; } = [.. Read()];

    /// <summary>The recipe of that name, or null.</summary>
    public static BuiltInRecipe? Find(string name) => All.FirstOrDefault(r => r.Name == name);

    private static IEnumerable<BuiltInRecipe> Read()
    {
        Assembly assembly = typeof(BuiltInRecipes).Assembly;
        foreach (string resource in assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            string text = reader.ReadToEnd();
            string name = resource[Prefix.Length..^Suffix.Length];
            var description = RecipeYaml.Read(text, name).Find("description") as RecipeScalar;
            yield return new BuiltInRecipe(name, description?.Text ?? "", text);
        }
    }
}
