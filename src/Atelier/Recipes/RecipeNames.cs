using System.Reflection;
using System.Text;

namespace Atelier.Recipes;

/// <summary>How names in code and names in recipes correspond: properties in camelCase, enum values in kebab-case.</summary>
internal static class RecipeNames
{
    /// <summary>The key of a property: LearningRate becomes learningRate.</summary>
    public static string Key(PropertyInfo property) => char.ToLowerInvariant(property.Name[0]) + property.Name[1..];

    /// <summary>The properties that a recipe sets, in the order they are declared.</summary>
    public static IEnumerable<PropertyInfo> Properties(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.SetMethod is { IsPublic: true } && p.GetIndexParameters().Length == 0)
            .OrderBy(p => p.MetadataToken);

    /// <summary>An enum value: OneCycle becomes one-cycle. A capital at the very end is no word of its own: AdamW is adamw.</summary>
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

    /// <summary>The values of an enum, as recipes write them.</summary>
    public static IEnumerable<string> Values(Type type) => Enum.GetValues(type).Cast<Enum>().Select(Value);

    /// <summary>The candidate with the fewest edits to <paramref name="wrong"/>, or null where none is near.</summary>
    public static string? Nearest(string wrong, IEnumerable<string> candidates)
    {
        string? best = null;
        if (wrong.Length > 64)
            return null;
        int bestDistance = Math.Max(1, wrong.Length / 2) + 1;
        foreach (string candidate in candidates)
        {
            int distance = Distance(Plain(wrong), Plain(candidate));
            if (distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        return best;
    }

    /// <summary>The name without what people write differently: capitals, hyphens, underscores.</summary>
    public static string Plain(string name) =>
        string.Concat(name.Where(c => c is not ('-' or '_')).Select(char.ToLowerInvariant));

    // Optimal string alignment (Damerau 1964): letters changed, missing, too many, or two swapped.
    private static int Distance(string a, string b)
    {
        int[,] edits = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    edits[i, j] = i + j;
                    continue;
                }
                int changed = edits[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                edits[i, j] = Math.Min(changed, Math.Min(edits[i - 1, j], edits[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    edits[i, j] = Math.Min(edits[i, j], edits[i - 2, j - 2] + 1);
            }
        }
        return edits[a.Length, b.Length];
    }
}
