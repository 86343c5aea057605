using System.Reflection;
using System.Text;

namespace Atelier.Recipes;

/// <summary>Converts names in code to names in recipes: properties to camelCase, enum values to kebab-case.</summary>
internal static class RecipeNames
{
    /// <summary>Returns the key of a property: LearningRate becomes learningRate.</summary>
    public static string Key(PropertyInfo property) => char.ToLowerInvariant(property.Name[0]) + property.Name[1..];

    /// <summary>Returns the properties that a recipe can set, in the order of their declaration.</summary>
    public static IEnumerable<PropertyInfo> Properties(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.SetMethod is { IsPublic: true } && p.GetIndexParameters().Length == 0)
            .OrderBy(p => p.MetadataToken);

    /// <summary>
    /// Returns the name of an enum value: OneCycle becomes one-cycle. A capital letter at the very end does not start a
    /// word: AdamW becomes adamw.
    /// </summary>
    public static string Value(Enum value)
    {
        string name = value.ToString();
        var kebab = new StringBuilder();
        for (int i = 0; i < name.Length; i++)
        {
            if (i > 0 && i < name.Length - 1 && char.IsUpper(name[i]))
                kebab.Append('-');
            kebab.Append(char.ToLowerInvariant(name[i]));
        }
        return kebab.ToString();
    }

    /// <summary>Returns the names of all values of an enum.</summary>
    public static IEnumerable<string> Values(Type type) => Enum.GetValues(type).Cast<Enum>().Select(Value);
}
