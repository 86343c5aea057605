using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace Atelier.Recipes;

/// <summary>
/// Creates the records of a recipe from YAML nodes by reflection: the keys of a recipe are the properties of the
/// records.
/// </summary>
/// <param name="configTypes">The configuration record of each family, by the name of the family.</param>
internal sealed class RecipeBinder(IReadOnlyDictionary<string, Type> configTypes)
{
    private const string FamilyKey = "family";

    private readonly NullabilityInfoContext _nullability = new();

    /// <summary>Creates a recipe from its root node.</summary>
    /// <exception cref="AtelierException">A key is unknown, or a value is invalid.</exception>
    public Recipe Bind(RecipeMapping root)
    {
        var recipe = (Recipe)Record(typeof(Recipe), root, path: "");
        if (recipe.Model.Config is not null)
            return recipe;
        var family = new RecipeScalar(root.Where, recipe.Model.Family, quoted: true);
        return recipe with { Model = new ModelSection(family.Text, Activator.CreateInstance(ConfigType(family))) };
    }

    private object Record(Type type, RecipeMapping mapping, string path, string? ignoredKey = null)
    {
        object record = Activator.CreateInstance(type)!;
        var properties = RecipeNames.Keys(record).ToDictionary(found => RecipeNames.Key(found.Property));
        foreach ((string key, string where, RecipeNode value) in mapping.Entries)
        {
            if (key == ignoredKey)
                continue;
            if (!properties.TryGetValue(key, out (object Owner, PropertyInfo Property) found))
                throw UnknownKey(key, where, path, ignoredKey is null ? properties.Keys
                    : properties.Keys.Append(ignoredKey));
            (object owner, PropertyInfo property) = found;
            string inner = path.Length == 0 ? key : $"{path}.{key}";
            object? bound = Value(property.PropertyType, value, inner, MayBeNull(property));
            CheckRange(property, bound, value, inner);
            property.SetValue(owner, bound);
        }
        return record;
    }

    private object? Value(Type type, RecipeNode node, string path, bool mayBeNull)
    {
        if (node is RecipeScalar { IsNull: true })
        {
            if (mayBeNull)
                return null;
            // "training:" without keys is an empty section.
            if (IsRecord(type) && type != typeof(ModelSection))
                return Activator.CreateInstance(type);
            throw new AtelierException($"{path} has no value", node.Where,
                $"write {Expected(type)} or leave the line out");
        }
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        if (plain == typeof(ModelSection))
            return Model(Mapping(node, path), path);
        if (IsRecord(plain))
            return node is RecipeScalar name && Named(plain, name.Text) is { } whole ? whole
                : Record(plain, Mapping(node, path), path);
        if (ItemType(plain) is { } item)
            return List(item, node, path);
        if (node is RecipeScalar scalar && Scalar(plain, scalar, path) is { } value)
            return value;
        throw new AtelierException($"{path} is {node.Shown}", node.Where, $"write {Expected(plain)}");
    }

    /// <summary>Returns a predefined section by its name, such as "none" for a split without held-out data.</summary>
    private static object? Named(Type type, string name) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Static)
            .FirstOrDefault(p => p.PropertyType == type && RecipeNames.Key(p) == name)?.GetValue(null);

    private ModelSection Model(RecipeMapping mapping, string path)
    {
        RecipeNode node = mapping.Find(FamilyKey)
            ?? new RecipeScalar(mapping.Where, new Recipe().Model.Family, quoted: true);
        if (node is not RecipeScalar family || family.IsNull)
            throw new AtelierException($"{path}.{FamilyKey} is {node.Shown}", node.Where,
                $"write one of {string.Join(", ", configTypes.Keys)}");
        return new ModelSection(family.Text, Record(ConfigType(family), mapping, path, ignoredKey: FamilyKey));
    }

    private Type ConfigType(RecipeScalar family)
    {
        if (configTypes.TryGetValue(family.Text, out Type? type))
            return type;
        throw new AtelierException($"model.{FamilyKey} {family.Shown} is not a model family", family.Where,
            Choice(family.Text, configTypes.Keys));
    }

    private Array List(Type item, RecipeNode node, string path)
    {
        // A single value is a list with one item.
        IReadOnlyList<RecipeNode> items = node is RecipeList list ? list.Items : [node];
        Array array = Array.CreateInstance(item, items.Count);
        for (int i = 0; i < items.Count; i++)
            array.SetValue(Value(item, items[i], $"{path}[{i}]", mayBeNull: false), i);
        return array;
    }

    private static object? Scalar(Type type, RecipeScalar scalar, string path)
    {
        if (type == typeof(string))
            return scalar.Text;
        if (type.IsEnum)
        {
            foreach (Enum value in Enum.GetValues(type))
            {
                if (Spelling.Plain(RecipeNames.Value(value)) == Spelling.Plain(scalar.Text))
                    return value;
            }
            throw new AtelierException($"{path} has no value {scalar.Shown}", scalar.Where,
                Choice(scalar.Text, RecipeNames.Values(type)));
        }
        if (scalar.Quoted)
            return null;
        const NumberStyles Whole = NumberStyles.AllowLeadingSign;
        CultureInfo invariant = CultureInfo.InvariantCulture;
        string text = scalar.Text;
        if (type == typeof(bool))
            return text switch { "true" => true, "false" => false, _ => null };
        if (type == typeof(int))
            return int.TryParse(text, Whole, invariant, out int number) ? number : null;
        if (type == typeof(long))
            return long.TryParse(text, Whole, invariant, out long number) ? number : null;
        if (type == typeof(double))
            return double.TryParse(text, NumberStyles.Float, invariant, out double number) && double.IsFinite(number)
                ? number : null;
        throw new NotSupportedException($"{path}: recipes do not support values of type {type}");
    }

    private static void CheckRange(PropertyInfo property, object? value, RecipeNode node, string path)
    {
        if (property.GetCustomAttribute<RangeAttribute>() is not { } range || value is null)
            return;
        IEnumerable<object> values = value is Array array ? array.Cast<object>() : [value];
        if (values.All(v => range.IsValid(v)))
            return;
        throw new AtelierException($"{path} is {node.Shown}", node.Where, Range(range));
    }

    private static string Range(RangeAttribute range)
    {
        string least = Number(range.Minimum);
        return Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture) is int.MaxValue or >= long.MaxValue
            ? $"allowed: {least} or more"
            : $"allowed: {least} to {Number(range.Maximum)}";
    }

    private static string Number(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private AtelierException UnknownKey(string key, string where, string path, IEnumerable<string> known)
    {
        string section = path.Length == 0 ? "a recipe" : path;
        string? near = Spelling.Nearest(key, known);
        string? elsewhere = near is null
            ? Paths(typeof(Recipe), "").FirstOrDefault(p => p.EndsWith('.' + key, StringComparison.Ordinal)) : null;
        string hint = (near, elsewhere) switch
        {
            (null, null) => $"there are {string.Join(", ", known)}",
            (null, _) => $"did you mean '{elsewhere}'?",
            _ => $"did you mean '{near}'?",
        };
        return new AtelierException($"{section} has no key '{key}'", where, hint);
    }

    // The paths of all keys of a recipe, except the keys of the model section, which depend on the family.
    private static IEnumerable<string> Paths(Type type, string prefix) =>
        RecipeNames.Properties(type).SelectMany(p => IsRecord(p.PropertyType) && p.PropertyType != typeof(ModelSection)
            ? Paths(p.PropertyType, RecipeNames.IsInline(p) ? prefix : $"{prefix}{RecipeNames.Key(p)}.")
            : [prefix + RecipeNames.Key(p)]);

    private static RecipeMapping Mapping(RecipeNode node, string path) => node as RecipeMapping
        ?? throw new AtelierException($"{path} is {node.Shown}", node.Where,
            "write 'key: value' lines under it, indented");

    private bool MayBeNull(PropertyInfo property) => Nullable.GetUnderlyingType(property.PropertyType) is not null
        || (!property.PropertyType.IsValueType
            && _nullability.Create(property).WriteState == NullabilityState.Nullable);

    internal static bool IsRecord(Type type) => type.IsClass && type != typeof(string) && !type.IsArray;

    internal static Type? ItemType(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0]
            : null;

    private static string Choice(string wrong, IEnumerable<string> allowed)
    {
        string all = $"allowed: {string.Join(", ", allowed)}";
        return Spelling.Nearest(wrong, allowed) is { } near ? $"did you mean '{near}'? {all}" : all;
    }

    private static string Expected(Type type)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain switch
        {
            _ when plain == typeof(bool) => "true or false",
            _ when plain == typeof(int) || plain == typeof(long) => "a whole number such as 100",
            _ when plain == typeof(double) => "a number such as 0.1 or 1e-3",
            _ when plain == typeof(string) => "text",
            _ when plain.IsEnum => $"one of {string.Join(", ", RecipeNames.Values(plain))}",
            _ when ItemType(plain) is not null => "a list such as [a, b]",
            _ => "a section",
        };
    }
}
