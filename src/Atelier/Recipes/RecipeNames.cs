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
    /// The keys of a section, in the order they are declared: properties, each with the record that has it. Those of
    /// inline sections stand among them.
    /// </summary>
    public static IEnumerable<(object Owner, PropertyInfo Property)> Keys(object section) =>
        Properties(section.GetType()).SelectMany(property => IsInline(property) ? Keys(property.GetValue(section)!)
            : [(section, property)]);

    /// <summary>Whether the keys of a section stand directly in the section around it.</summary>
    public static bool IsInline(PropertyInfo property) => property.IsDefined(typeof(InlineAttribute));

    /// <summary>
    /// An enum value: OneCycle becomes one-cycle. A capital at the very end is no word of its own: AdamW is adamw.
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
