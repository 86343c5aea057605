using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>Determines the types of values that schemas allow, and whether alternatives exclude one another.</summary>
/// <param name="references">Resolves the references of the schemas.</param>
internal sealed class JsonAlternatives(JsonReferences references)
{
    private const int DeepestSearch = 16;

    /// <summary>
    /// Returns the types that a schema allows: those that it names, otherwise those that its keywords apply to,
    /// otherwise all.
    /// </summary>
    /// <param name="schema">The schema.</param>
    /// <param name="keywords">The keywords of the schema without annotations.</param>
    /// <param name="types">All types, each with the keywords that apply to it.</param>
    /// <param name="at">The place of the schema, for error messages.</param>
    /// <exception cref="AtelierException">A type is unknown.</exception>
    public static string[] TypesOf(JsonElement schema, string[] keywords, (string Type, string[] Keywords)[] types,
        string at)
    {
        if (schema.TryGetProperty("type", out JsonElement type))
        {
            JsonElement[] named = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray()] : [type];
            foreach (JsonElement name in named)
            {
                if (name.ValueKind != JsonValueKind.String || types.All(t => t.Type != name.GetString()))
                    throw JsonSchemaReader.Wrong(at, $"there is no type {name.GetRawText()}",
                        $"the types are {string.Join(", ", types.Select(t => t.Type))}");
            }
            return [.. named.Select(name => name.GetString()!).Distinct()];
        }
        string[] implied = [.. types.Where(t => t.Keywords.Intersect(keywords).Any()).Select(t => t.Type)];
        return implied.Length > 0 ? implied : [.. types.Select(t => t.Type)];
    }

    /// <summary>Returns whether a value has one of the types.</summary>
    public static bool IsOf(string[] types, JsonElement value) => types.Contains(TypeOf(value)) ||
        (value.ValueKind == JsonValueKind.Number && types.Contains("integer") && value.TryGetDecimal(out decimal number)
            && decimal.IsInteger(number));

    /// <summary>
    /// Checks that the alternatives of oneOf exclude one another by their types, constants and required properties; a
    /// grammar could not distinguish texts that match several.
    /// </summary>
    /// <exception cref="AtelierException">Two alternatives may overlap.</exception>
    public void MustExclude(JsonElement alternatives, string at)
    {
        JsonElement[] all = [.. alternatives.EnumerateArray()];
        for (int i = 0; i < all.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (!Exclude(all[j], all[i], DeepestSearch))
                {
                    throw JsonSchemaReader.Wrong(at,
                        FormattableString.Invariant($"alternatives {j} and {i} of oneOf may both match"),
                        "write anyOf where a value may meet both; otherwise tell them apart by type, "
                        + "or by a required property with another const in each");
                }
            }
        }
    }

    private bool Exclude(JsonElement a, JsonElement b, int depth)
    {
        (a, b) = (Target(a, depth), Target(b, depth));
        if (depth == 0 || a.ValueKind != JsonValueKind.Object || b.ValueKind != JsonValueKind.Object)
            return a.ValueKind == JsonValueKind.False || b.ValueKind == JsonValueKind.False;
        if (Options(a) is { } options)
            return options.All(option => Exclude(option, b, depth - 1));
        if (Options(b) is not null)
            return Exclude(b, a, depth);
        if (Constants(a) is { } left && Constants(b) is { } right)
            return !left.Any(l => right.Any(r => JsonElement.DeepEquals(l, r)));
        if (Kinds(a) is { } these && Kinds(b) is { } those && !these.Intersect(those).Any())
            return true;
        return Required(a).Intersect(Required(b)).Any(name =>
            Kinds(a) is ["object"] && Kinds(b) is ["object"] &&
            Property(a, name) is JsonElement first && Property(b, name) is JsonElement second
                && Exclude(first, second, depth - 1));
    }

    private JsonElement Target(JsonElement schema, int hops)
    {
        while (hops-- > 0 && schema.ValueKind == JsonValueKind.Object
            && schema.TryGetProperty("$ref", out JsonElement reference) &&
               reference.ValueKind == JsonValueKind.String &&
               references.Find(reference.GetString()!) is JsonElement target)
        {
            schema = target;
        }
        return schema;
    }

    private static JsonElement[]? Options(JsonElement schema) =>
        (schema.TryGetProperty("anyOf", out JsonElement several) || schema.TryGetProperty("oneOf", out several))
            && several.ValueKind == JsonValueKind.Array
            ? [.. several.EnumerateArray()]
            : null;

    private static JsonElement[]? Constants(JsonElement schema) =>
        schema.TryGetProperty("const", out JsonElement one) ? [one]
        : schema.TryGetProperty("enum", out JsonElement several) && several.ValueKind == JsonValueKind.Array
            ? [.. several.EnumerateArray()]
        : null;

    /// <summary>
    /// Returns the types that a schema names or that its constants have, with "integer" as "number"; null if there are
    /// none.
    /// </summary>
    private static string[]? Kinds(JsonElement schema) =>
        schema.TryGetProperty("type", out JsonElement type)
            ? [.. (type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().ToArray() : [type])
                .Select(t => t.ToString() == "integer" ? "number" : t.ToString()).Distinct()]
            : Constants(schema)?.Select(TypeOf).Distinct().ToArray();

    private static string[] Required(JsonElement schema) =>
        schema.TryGetProperty("required", out JsonElement names) && names.ValueKind == JsonValueKind.Array
            ? [.. names.EnumerateArray().Select(n => n.ToString())] : [];

    private static JsonElement? Property(JsonElement schema, string name) =>
        schema.TryGetProperty("properties", out JsonElement all) && all.ValueKind == JsonValueKind.Object
            && all.TryGetProperty(name, out JsonElement property) ? property : null;

    private static string TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => "null",
    };
}
