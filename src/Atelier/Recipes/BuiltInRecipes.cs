using System.Reflection;

namespace Atelier.Recipes;

/// <summary>A recipe that comes with the library.</summary>
/// <param name="Name">The name that commands accept.</param>
/// <param name="Description">A description in one line.</param>
/// <param name="Text">The YAML, with comments on the sources of its values.</param>
public sealed record BuiltInRecipe(string Name, string Description, string Text);

/// <summary>The recipes that come with the library.</summary>
public static class BuiltInRecipes
{
    private const string Prefix = "Atelier.Recipes.BuiltIn.";
    private const string Suffix = ".yaml";

    /// <summary>All built-in recipes, sorted by name.</summary>
    public static IReadOnlyList<BuiltInRecipe> All { get; } = [.. Read()];

    /// <summary>Returns the recipe with the given name; null if there is none.</summary>
    public static BuiltInRecipe? Find(string name) => All.FirstOrDefault(r => r.Name == name);

    private static IEnumerable<BuiltInRecipe> Read()
    {
        Assembly assembly = typeof(BuiltInRecipes).Assembly;
        IEnumerable<string> resources = assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        foreach (string resource in resources)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            string text = reader.ReadToEnd();
            string name = resource[Prefix.Length..^Suffix.Length];
            var description = RecipeYaml.Read(text, name).Find("description") as RecipeScalar;
            yield return new BuiltInRecipe(name, description?.Text ?? "", text);
        }
    }
}
