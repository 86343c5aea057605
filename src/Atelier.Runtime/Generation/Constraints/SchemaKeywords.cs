using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>The keywords of schemas, and how their values are read.</summary>
internal static class SchemaKeywords
{
    private const string Extension = "x-"; // the beginning of the names of extensions, which restrict nothing

    private static readonly string[] Annotations =
    [
        "$schema", "$id", "$anchor", "$dynamicAnchor", "$comment", "$defs", "definitions", "title", "description",
        "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "contentMediaType", "contentSchema",
        "discriminator",
    ];

    private static readonly string[] Combined =
    [
        "type", "nullable", "const", "enum", "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "then",
        "else",
    ];

    private static readonly (JsonTypes Type, string[] Keywords)[] Restricting =
    [
        (JsonTypes.Object, ["properties", "required", "additionalProperties", "patternProperties", "propertyNames",
            "minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "unevaluatedProperties"]),
        (JsonTypes.Array, ["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains",
            "maxContains", "unevaluatedItems"]),
        (JsonTypes.String, ["pattern", "minLength", "maxLength", "format", "contentEncoding"]),
        (JsonTypes.Number, ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ];

    // Unsupported keywords, which are not misspellings of supported ones.
    private static readonly string[] Unread =
    [
        "dependencies", "additionalItems", "divisibleBy", "$recursiveRef", "$recursiveAnchor", "$vocabulary",
        "id",
    ];

    private static readonly string[] All = [.. Combined, .. Restricting.SelectMany(r => r.Keywords)];

    private static readonly Dictionary<string, JsonTypes> Types = new()
    {
        ["object"] = JsonTypes.Object,
        ["array"] = JsonTypes.Array,
        ["string"] = JsonTypes.String,
        ["number"] = JsonTypes.Number,
        ["integer"] = JsonTypes.Number,
        ["boolean"] = JsonTypes.Boolean,
        ["null"] = JsonTypes.Null,
    };

    /// <summary>Returns the keywords of a schema that are not annotations.</summary>
    /// <exception cref="AtelierException">A keyword is not supported.</exception>
    public static IReadOnlyList<string> Of(SchemaPlace schema)
    {
        string[] keywords = [.. schema.Element.EnumerateObject().Select(p => p.Name)
            .Where(name => !Annotations.Contains(name) && !name.StartsWith(Extension, StringComparison.Ordinal))];
        if (keywords.FirstOrDefault(k => !All.Contains(k)) is not { } unknown)
            return keywords;
        string[] known = Unread.Contains(unknown) ? [] : All;
        throw Wrong(schema, $"the keyword '{unknown}' is not supported", Spelling.Nearest(unknown, known) is { } near
            ? $"did you mean '{near}'?"
            : "without it the schema would allow more: leave it out only if that is acceptable");
    }

    /// <summary>Returns whether a keyword restricts values of one type only, and has no siblings to consider.</summary>
    public static JsonTypes TypeOf(string keyword) =>
        Restricting.FirstOrDefault(r => r.Keywords.Contains(keyword)).Type;

    /// <summary>Returns the types that a schema names, and whether its numbers must be integers.</summary>
    public static (JsonTypes Types, bool IsInteger) TypesOf(SchemaPlace schema)
    {
        JsonElement type = schema.Element.GetProperty("type");
        JsonElement[] named = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray()] : [type];
        JsonTypes types = JsonTypes.None;
        foreach (JsonElement name in named)
        {
            if (name.ValueKind != JsonValueKind.String || !Types.TryGetValue(name.GetString()!, out JsonTypes one))
                throw Wrong(schema, $"there is no type {name.GetRawText()}",
                    $"the types are {string.Join(", ", Types.Keys)}");
            types |= one;
        }
        // OpenAPI's way to allow null too
        if (schema.Element.TryGetProperty("nullable", out JsonElement nullable) && nullable.ValueKind ==
            JsonValueKind.True)
        {
            types |= JsonTypes.Null;
        }
        return (types, named.All(n => n.GetString() != "number"));
    }

    /// <summary>Returns the allowed constants of const or enum.</summary>
    public static IReadOnlyList<SchemaPlace> Constants(SchemaPlace schema, string keyword) =>
        keyword == "const" ? [schema.At("const")] : [.. ListOf(schema, "enum").Items()];

    public static int Count(SchemaPlace schema, string keyword, int otherwise) =>
        schema.Element.TryGetProperty(keyword, out _) ? Count(schema, keyword) : otherwise;

    public static int Count(SchemaPlace schema, string keyword)
    {
        JsonElement value = schema.Element.GetProperty(keyword);
        return value.ValueKind == JsonValueKind.Number
            && DecimalNumber.Parse(value.GetRawText()) is { IsInteger: true, Sign: >= 0 } count
            && count.ComparedTo(int.MaxValue - 1) <= 0
                ? (int)count.Digits
                : throw Wrong(schema, $"{keyword} is {value.GetRawText()}", "it must be a whole number of at least 0");
    }

    public static DecimalNumber Number(SchemaPlace schema, string keyword)
    {
        JsonElement value = schema.Element.GetProperty(keyword);
        return value.ValueKind == JsonValueKind.Number && DecimalNumber.Parse(value.GetRawText()) is { } number
            ? number
            : throw Wrong(schema, $"{keyword} is {value.GetRawText()}",
                "it must be a number of at most 1000 digits");
    }

    public static bool Flag(SchemaPlace schema, string keyword) =>
        schema.Element.GetProperty(keyword).ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(schema, $"{keyword} is {schema.Element.GetProperty(keyword).GetRawText()}",
                "it must be true or false"),
        };

    public static string Text(SchemaPlace schema, string keyword) =>
        TextOf(schema, keyword, schema.Element.GetProperty(keyword));

    public static string[] Names(SchemaPlace schema, string keyword) =>
        Names(ListOf(schema, keyword));

    /// <summary>Returns the names in a list.</summary>
    public static string[] Names(SchemaPlace list) => list.Element.ValueKind == JsonValueKind.Array
        ? [.. list.Items().Select(item => TextOf(list, "a name", item.Element))]
        : throw Wrong(list, "it must be a list of names");

    /// <summary>Returns the value of a keyword that must be a list.</summary>
    public static SchemaPlace ListOf(SchemaPlace schema, string keyword)
    {
        SchemaPlace list = schema.At(keyword);
        return list.Element.ValueKind == JsonValueKind.Array ? list : throw Wrong(schema, $"{keyword} is not a list",
            keyword is "items" ? "write prefixItems for the first items" : "write it in [ ]");
    }

    /// <summary>Returns the schemas of a list, which must not be empty.</summary>
    public static SchemaLiteral[] Schemas(SchemaPlace schema, string keyword)
    {
        SchemaLiteral[] schemas = [.. ListOf(schema, keyword).Items().Select(item => new SchemaLiteral(item))];
        return schemas.Length > 0 ? schemas : throw Wrong(schema, $"{keyword} is an empty list", "leave it out");
    }

    /// <summary>Returns the members of a keyword whose value is an object.</summary>
    public static IEnumerable<(string Name, SchemaPlace Place)> Members(SchemaPlace schema, string keyword)
    {
        if (!schema.Element.TryGetProperty(keyword, out JsonElement value))
            return [];
        return value.ValueKind == JsonValueKind.Object ? schema.At(keyword).Members()
            : throw Wrong(schema, $"{keyword} is {Shortened(value)}", "it must be an object");
    }

    public static AtelierException Wrong(SchemaPlace schema, string what, string? hint = null) =>
        JsonSchemaReader.Wrong(schema.Pointer, what, hint);

    private static string Shortened(JsonElement value) =>
        value.GetRawText() is { Length: <= 40 } text ? text : value.GetRawText()[..40] + "…";

    private static string TextOf(SchemaPlace schema, string keyword, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()!
            : throw Wrong(schema, $"{keyword} is {Shortened(value)}", "it must be a string");
}
