using System.Globalization;
using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Translates JSON schemas (draft 2020-12, the part that a grammar can express) into grammars. The properties of
/// objects are in the order of the schema. An unsupported keyword is refused, so that every sample satisfies the
/// schema.
/// </summary>
internal sealed class JsonSchemaReader
{
    private const int DeepestSchema = 64;
    private const int MostProperties = 500;

    private static readonly string[] Annotations =
    [
        "$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "description", "default", "examples",
        "deprecated", "readOnly", "writeOnly",
    ];

    private static readonly (string Type, string[] Keywords)[] Types =
    [
        ("object", ["properties", "required", "additionalProperties"]),
        ("array", ["items", "minItems", "maxItems"]),
        ("string", ["pattern", "minLength", "maxLength", "format"]),
        ("number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
        ("integer", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
        ("boolean", []),
        ("null", []),
    ];

    // Unsupported keywords, which are not misspellings of supported ones.
    private static readonly string[] Unread =
    [
        "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies", "patternProperties",
        "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties", "unevaluatedItems", "prefixItems",
        "additionalItems", "contains", "minContains", "maxContains", "uniqueItems", "multipleOf", "divisibleBy",
        "contentEncoding", "contentMediaType", "contentSchema", "$dynamicRef", "$dynamicAnchor", "$recursiveRef",
        "$recursiveAnchor", "$vocabulary", "id", "nullable",
    ];

    private readonly JsonReferences _references;
    private readonly List<Expression> _rules = [];
    private readonly Dictionary<string, int> _ruleOf = []; // the rule of each JSON pointer
    private int _depth;
    private int? _anyValue;

    private JsonSchemaReader(JsonElement root) => _references = new JsonReferences(root);

    /// <summary>Reads a schema.</summary>
    /// <param name="text">The schema, as JSON.</param>
    /// <exception cref="AtelierException">The text is not JSON or not a valid schema, or uses an unsupported
    /// keyword.</exception>
    public static Grammar Read(string text)
    {
        if (!WellFormed.Is(text))
            throw new AtelierException("half a surrogate pair is not a character", "schema", "write whole characters");
        try
        {
            using JsonDocument document =
                JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = DeepestSchema });
            var reader = new JsonSchemaReader(document.RootElement);
            reader.RuleAt("#", document.RootElement);
            return new Grammar(reader._rules);
        }
        catch (JsonException e)
        {
            throw new AtelierException($"not JSON: {e.Message.TrimEnd('.')}", "schema", inner: e);
        }
    }

    private RuleReference RuleAt(string pointer, JsonElement schema)
    {
        if (!_ruleOf.TryGetValue(pointer, out int rule))
        {
            _ruleOf.Add(pointer, rule = _rules.Count);
            _rules.Add(Expression.Nothing); // a placeholder while the schema is read, since it may refer to itself
            _rules[rule] = Value(schema, pointer);
        }
        return new RuleReference(rule);
    }

    private Expression Value(JsonElement schema, string at)
    {
        if (schema.ValueKind == JsonValueKind.True)
            return AnyValue();
        if (schema.ValueKind == JsonValueKind.False)
            return Expression.Nothing;
        if (schema.ValueKind != JsonValueKind.Object)
            throw Wrong(at, "a schema must be an object, true or false");
        if (++_depth > 4 * DeepestSchema)
            throw Wrong(at, "schemas are nested too deeply");
        string[] keywords = [.. schema.EnumerateObject().Select(p => p.Name).Except(Annotations)];
        Expression expression = Read(schema, keywords, at);
        _depth--;
        return expression;
    }

    private Expression Read(JsonElement schema, string[] keywords, string at)
    {
        if (schema.TryGetProperty("$ref", out JsonElement reference))
        {
            Alone("$ref");
            string pointer = Text(reference, at, "$ref");
            JsonElement target = _references.Find(pointer) ?? throw Wrong(at, $"'{pointer}' is not in this schema",
                "references point to locations in the document: #/$defs/name");
            return RuleAt(pointer, target);
        }
        foreach (string several in (string[])["anyOf", "oneOf", "allOf"])
        {
            if (!schema.TryGetProperty(several, out JsonElement alternatives))
                continue;
            Alone(several);
            if (alternatives.ValueKind != JsonValueKind.Array || alternatives.GetArrayLength() == 0)
                throw Wrong(at, $"{several} is a list of schemas");
            if (several == "allOf" && alternatives.GetArrayLength() > 1)
                throw Wrong(at, "allOf with several schemas is not supported", "combine them into one schema");
            if (several == "oneOf")
                new JsonAlternatives(_references).MustExclude(alternatives, at);
            return new Choice([.. alternatives.EnumerateArray()
                .Select((a, i) => Value(a, string.Create(CultureInfo.InvariantCulture, $"{at}/{several}/{i}")))]);
        }
        string[] types = JsonAlternatives.TypesOf(schema, keywords, Types, at);
        if (schema.TryGetProperty("const", out JsonElement constant))
        {
            Alone("const", "type");
            return JsonAlternatives.IsOf(types, constant) ? JsonText.Literal(constant) : Expression.Nothing;
        }
        if (schema.TryGetProperty("enum", out JsonElement values))
        {
            Alone("enum", "type");
            if (values.ValueKind != JsonValueKind.Array)
                throw Wrong(at, "enum is a list of values");
            return new Choice([.. values.EnumerateArray().Where(v => JsonAlternatives.IsOf(types, v))
                .Select(JsonText.Literal)]);
        }
        if (keywords.Except([.. Types.SelectMany(t => t.Keywords), "type"]).FirstOrDefault() is { } unknown)
        {
            string[] known = Unread.Contains(unknown) ? [] : [.. Types.SelectMany(t => t.Keywords)];
            throw Wrong(at, $"the keyword '{unknown}' is not supported", Spelling.Nearest(unknown, known) is { } near
                ? $"did you mean '{near}'?"
                : "without it the schema would allow more: leave it out only if that is acceptable");
        }
        return types.Length == Types.Length && keywords.Length == 0
            ? AnyValue()
            : new Choice([.. types.Where(t => t != "integer" || !types.Contains("number"))
                .Select(type => OfType(type, schema, at))]);

        void Alone(params string[] allowed)
        {
            if (keywords.Except(allowed).FirstOrDefault() is { } other)
                throw Wrong(at, $"'{other}' together with '{allowed[0]}' is not supported", allowed[0] switch
                {
                    "$ref" => $"write out the schema that is referred to, with '{other}' in it",
                    "const" or "enum" => $"leave out what '{other}' forbids of the values, and '{other}' itself",
                    string several => $"write '{other}' into each schema of {several}",
                });
        }
    }

    private Expression OfType(string type, JsonElement schema, string at) => type switch
    {
        "object" => Object(schema, at),
        "array" => Array(schema, at),
        "string" => String(schema, at),
        "number" or "integer" => Number(schema, type == "integer", at),
        "boolean" => new Choice([JsonText.True, JsonText.False]),
        _ => JsonText.Null,
    };

    private Expression Object(JsonElement schema, string at)
    {
        var properties = new List<(string Name, Expression Value, bool IsRequired)>();
        bool open = !schema.TryGetProperty("additionalProperties", out JsonElement additional);
        bool named = schema.TryGetProperty("properties", out JsonElement known);
        string[] required = schema.TryGetProperty("required", out JsonElement list)
            ? [.. Items(list, at, "required").Select(name => Text(name, at, "required"))]
            : [];
        if (named && known.ValueKind != JsonValueKind.Object)
            throw Wrong(at, "properties is an object of schemas");
        foreach (JsonProperty property in named ? known.EnumerateObject().ToArray() : [])
        {
            Expression value = Value(property.Value, $"{at}/properties/{property.Name}");
            properties.Add((property.Name, value, required.Contains(property.Name)));
        }
        foreach (string name in required.Except(properties.Select(p => p.Name)).ToArray())
            properties.Add((name, open ? AnyValue() : Value(additional, $"{at}/additionalProperties"), true));
        if (properties.Count > MostProperties)
            throw Wrong(at, $"{properties.Count} properties are too many", $"at most {MostProperties} are supported");

        // Additional properties are generated only if the schema mentions them or mentions no properties at all.
        Expression? further = null;
        if (open ? properties.Count == 0 : additional.ValueKind != JsonValueKind.False)
        {
            Expression value = open ? AnyValue() : Value(additional, $"{at}/additionalProperties");
            further = Expression.Of(JsonText.StringExcept([.. properties.Select(p => p.Name)]), JsonText.Colon, value);
        }
        // Built from the last property to the first: what may follow if another property precedes, and if none does.
        Expression after = further is null ? Expression.Empty
            : new Repetition(Expression.Of(JsonText.Comma, further), 0, null);
        Expression first = further is null ? Expression.Empty : JsonText.CommaSeparated(further, 0, null);
        foreach ((string name, Expression value, bool isRequired) in properties.AsEnumerable().Reverse())
        {
            Expression property = Expression.Of(JsonText.Quoted(Expression.Literal(name)), JsonText.Colon, value);
            Expression begun = Expression.Of(property, after);
            first = isRequired ? begun : new Choice([begun, first]);
            Expression next = Expression.Of(JsonText.Comma, property);
            after = Expression.Of(isRequired ? next : Expression.Optional(next), after);
        }
        return JsonText.Listed('{', first, '}');
    }

    private Expression Array(JsonElement schema, string at)
    {
        Expression item = schema.TryGetProperty("items", out JsonElement items)
            ? Value(items, $"{at}/items")
            : AnyValue();
        int least = Count(schema, "minItems", at) ?? 0;
        return JsonText.Listed('[', JsonText.CommaSeparated(item, least, Count(schema, "maxItems", at)), ']');
    }

    private static Expression String(JsonElement schema, string at)
    {
        int? least = Count(schema, "minLength", at), most = Count(schema, "maxLength", at);
        bool hasPattern = schema.TryGetProperty("pattern", out JsonElement pattern),
            hasFormat = schema.TryGetProperty("format", out JsonElement format);
        if ((hasPattern ? 1 : 0) + (hasFormat ? 1 : 0) + (least is null && most is null ? 0 : 1) > 1)
            throw Wrong(at, "pattern, format and lengths cannot be combined", "express all in the pattern");
        if (hasPattern)
            return JsonText.Quoted(RegexParser.Parse(Text(pattern, at, "pattern"), whole: false));
        if (hasFormat)
        {
            string name = Text(format, at, "format");
            return JsonText.Quoted(JsonFormats.Find(name)
                ?? throw Wrong(at, $"the format '{name}' is not supported",
                    $"supported are {string.Join(", ", JsonFormats.Names)}; write others as a pattern"));
        }
        return least > most ? Expression.Nothing : JsonText.String(least ?? 0, most);
    }

    private static Expression Number(JsonElement schema, bool whole, string at)
    {
        DecimalBound? low = Tighter(Bound("minimum", false), Bound("exclusiveMinimum", true), +1);
        DecimalBound? high = Tighter(Bound("maximum", false), Bound("exclusiveMaximum", true), -1);
        return (low, high) == (null, null)
            ? whole ? JsonText.Integer : JsonText.Number
            : DecimalRange.Between(low, high, whole);

        DecimalBound? Bound(string keyword, bool exclusive)
        {
            if (!schema.TryGetProperty(keyword, out JsonElement value))
                return null;
            return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out decimal number)
                ? new DecimalBound(number, exclusive)
                : throw Wrong(at, $"{keyword} is {value.GetRawText()}", "it must be below 10^28");
        }

        static DecimalBound? Tighter(DecimalBound? bound, DecimalBound? exclusive, int sign)
        {
            if ((bound, exclusive) is not (DecimalBound a, DecimalBound b))
                return bound ?? exclusive;
            return (b.Value - a.Value) * sign >= 0 ? b : a;
        }
    }

    private RuleReference AnyValue()
    {
        if (_anyValue is int known)
            return new RuleReference(known);
        var any = new RuleReference(_rules.Count);
        _anyValue = any.Rule;
        _rules.Add(new Choice(
        [
            JsonText.Null, JsonText.True, JsonText.False, JsonText.Number, JsonText.String(),
            JsonText.Listed('[', JsonText.CommaSeparated(any, 0, null), ']'),
            JsonText.Listed('{',
                JsonText.CommaSeparated(Expression.Of(JsonText.String(), JsonText.Colon, any), 0, null), '}'),
        ]));
        return any;
    }

    private static int? Count(JsonElement schema, string keyword, string at) =>
        !schema.TryGetProperty(keyword, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count >= 0 ? count
        : throw Wrong(at, $"{keyword} is {value.GetRawText()}", "it must be a whole number of at least 0");

    private static IEnumerable<JsonElement> Items(JsonElement list, string at, string keyword) =>
        list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : throw Wrong(at, $"{keyword} is not a list");

    private static string Text(JsonElement value, string at, string keyword) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()!
            : throw Wrong(at, $"{keyword} is {value.GetRawText()}", "it must be a string");

    internal static AtelierException Wrong(string at, string what, string? hint = null) =>
        new(what, $"schema{at}", hint);
}
