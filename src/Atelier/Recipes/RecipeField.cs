using System.Collections.Frozen;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace Atelier.Recipes;

/// <summary>A key of a recipe as a form shows it: its value, its type and what it means.</summary>
public sealed record RecipeField
{
    private const string FamilyKey = "model.family";
    private const string Reference = "Atelier.Recipes.Reference.md", OfFamily = "## model, family ";

    private static readonly Lazy<FrozenDictionary<(string Family, string Key), string>> Descriptions =
        new(() => Read().ToFrozenDictionary());

    /// <summary>The path of the key, such as "training.steps".</summary>
    public required string Key { get; init; }

    /// <summary>The value, as text without quotes; null for none.</summary>
    public string? Value { get; init; }

    /// <summary>The default value, as text without quotes; null for none.</summary>
    public string? Default { get; init; }

    /// <summary>The type of values: "integer", "number", "boolean", "text", "choice" or "list".</summary>
    public required string Type { get; init; }

    /// <summary>The possible values; null if there is no list of them.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>The smallest value; null if there is none.</summary>
    public double? Minimum { get; init; }

    /// <summary>The largest value; null if there is none.</summary>
    public double? Maximum { get; init; }

    /// <summary>What the key means, as in the reference of recipes; empty for keys of other libraries.</summary>
    public string Description { get; init; } = "";

    /// <summary>Whether the recipe sets the key.</summary>
    public bool IsSet { get; init; }

    /// <summary>Whether anything reads the key in this recipe.</summary>
    public bool IsRead { get; init; }

    /// <summary>What the value refers to if it may be a path; null for all other keys.</summary>
    public RecipePath? Path { get; init; }

    /// <summary>
    /// Returns all keys that a recipe can have, in the order in which a recipe is written. Those of sections that are
    /// null are among them, without a value.
    /// </summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="families">The families that recipes may name.</param>
    public static IReadOnlyList<RecipeField> Of(Recipe recipe, IReadOnlyList<IModelSection> families)
    {
        IModelSection family = families.First(known => known.Name == recipe.Model.Family);
        object config = Activator.CreateInstance(family.ConfigType)!;
        var usual = new Recipe { Model = new ModelSection(new Recipe().Model.Family, config) };
        return [.. Walk(recipe, usual, "").Select(field => field with
        {
            Choices = field.Key == FamilyKey ? [.. families.Select(known => known.Name)] : field.Choices,
            Description = Descriptions.Value.GetValueOrDefault(("", field.Key == FamilyKey ? "model" : field.Key))
                ?? Descriptions.Value.GetValueOrDefault((family.Name, field.Key)) ?? "",
            IsSet = UnreadKeys.IsIn(field.Key, recipe.Given),
            IsRead = (family.IgnoredBy(field.Key, recipe) ?? recipe.Training.IgnoredBy(field.Key)) is null,
        })];
    }

    private static IEnumerable<RecipeField> Walk(object? section, object usual, string path)
    {
        Dictionary<PropertyInfo, object?> values = section is null ? []
            : RecipeNames.Keys(section).ToDictionary(at => at.Property, at => at.Property.GetValue(at.Owner));
        foreach ((object owner, PropertyInfo property) in RecipeNames.Keys(usual))
        {
            string key = path + RecipeNames.Key(property);
            object? value = values.GetValueOrDefault(property), due = property.GetValue(owner);
            if (due is ModelSection model)
            {
                yield return new RecipeField
                {
                    Key = $"{key}.family", Value = ((ModelSection)value!).Family, Default = model.Family,
                    Type = "choice",
                };
                (value, due) = (((ModelSection)value).Config ?? model.Config, model.Config);
            }
            if (RecipeBinder.IsRecord(due?.GetType() ?? property.PropertyType))
            {
                foreach (RecipeField field in Walk(value, due ?? Activator.CreateInstance(property.PropertyType)!,
                    $"{key}."))
                    yield return field;
            }
            else
                yield return Of(property, key, value, due);
        }
    }

    private static RecipeField Of(PropertyInfo property, string key, object? value, object? due)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        var range = property.GetCustomAttribute<RangeAttribute>();
        return new RecipeField
        {
            Key = key, Value = Text(value), Default = Text(due), Type = Name(type),
            Choices = type.IsEnum ? [.. RecipeNames.Values(type)] : null,
            Minimum = Bound(range?.Minimum), Maximum = Bound(range?.Maximum),
            Path = property.GetCustomAttribute<NamesPathAttribute>()?.Kind,
        };
    }

    private static string? Text(object? value) => value is null or string ? (string?)value : RecipeWriter.Plain(value);

    private static string Name(Type type) => type.IsEnum ? "choice"
        : type == typeof(bool) ? "boolean"
        : type == typeof(int) || type == typeof(long) ? "integer"
        : type == typeof(double) ? "number"
        : RecipeBinder.ItemType(type) is not null ? "list" : "text";

    /// <summary>A bound of a range, unless it is that of the type.</summary>
    private static double? Bound(object? bound) => bound is null ? null
        : Convert.ToDouble(bound, CultureInfo.InvariantCulture) is var number && number is int.MaxValue or >= 9e18
        ? null : number;

    /// <summary>The descriptions in the tables of the reference, whose keys stand in backquotes.</summary>
    private static IEnumerable<KeyValuePair<(string Family, string Key), string>> Read()
    {
        using var reader = new StreamReader(typeof(RecipeField).Assembly.GetManifestResourceStream(Reference)!);
        string family = "";
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
                family = line.StartsWith(OfFamily, StringComparison.Ordinal) ? line[OfFamily.Length..].Split(':')[0]
                    : "";
            else if (line.StartsWith("| `", StringComparison.Ordinal)
                && line.Split('|', 5) is [_, var key, _, _, var rest])
                yield return new((family, key.Trim(' ', '`')), rest.TrimEnd('|', ' ').Trim());
        }
    }
}
