using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>
/// The facts that the keywords of a schema state about values, apart from those that combine schemas.
/// </summary>
internal static class SchemaFacts
{
    private static readonly NameSet NoNames = new([], []);

    /// <summary>Returns the facts that a keyword states.</summary>
    public static SchemaCase Of(SchemaPlace schema, string keyword)
    {
        if (keyword == "format" && JsonFormats.FindNumber(SchemaKeywords.Text(schema, keyword)) is { } numbers)
            return new SchemaCase { Numbers = numbers, Implied = JsonTypes.Number };
        JsonTypes type = SchemaKeywords.TypeOf(keyword);
        SchemaCase facts = type switch
        {
            JsonTypes.Number => new SchemaCase { Numbers = NumbersOf(schema, keyword) },
            JsonTypes.String => new SchemaCase { Strings = StringsOf(schema, keyword) },
            JsonTypes.Array => new SchemaCase { Arrays = ArraysOf(schema, keyword) },
            JsonTypes.Object => new SchemaCase { Objects = ObjectsOf(schema, keyword) },
            _ => SchemaCase.Any,
        };
        if (keyword != "type")
            return type == JsonTypes.None ? facts : facts with { Implied = type };
        (JsonTypes types, bool integer) = SchemaKeywords.TypesOf(schema);
        return new SchemaCase { Types = types, IsTyped = true, Numbers = new NumberFacts { IsInteger = integer } };
    }

    /// <summary>Returns the names that properties, patternProperties and additionalProperties are about.</summary>
    public static NameSet Named(SchemaPlace schema, string keyword) => keyword switch
    {
        "properties" => new NameSet(SchemaKeywords.Members(schema, keyword).Select(m => m.Name).ToHashSet(), []),
        "patternProperties" => new NameSet([], [.. SchemaKeywords.Members(schema, keyword).Select(m => m.Name)]),
        "additionalProperties" => new NameSet(Named(schema, "properties").Names,
            Named(schema, "patternProperties").Patterns, IsComplement: true),
        _ => NoNames,
    };

    /// <summary>Returns the number of items of prefixItems.</summary>
    public static int PrefixOf(SchemaPlace schema) => schema.Element.TryGetProperty("prefixItems", out _)
        ? SchemaKeywords.ListOf(schema, "prefixItems").Element.GetArrayLength() : 0;

    /// <summary>Returns the case of the objects that have some properties, and of all other values.</summary>
    public static SchemaCase With(IReadOnlyCollection<string> names) =>
        new() { Objects = new ObjectFacts { Required = names.ToHashSet() } };

    /// <summary>Returns the case of the objects that do not have a property, and of all other values.</summary>
    public static SchemaCase Without(string name) =>
        new() { Objects = new ObjectFacts { Properties = [new PropertyRule(NameSet.Of(name), SchemaLiteral.False)] } };

    /// <summary>Returns the case of the objects that do not have a property.</summary>
    public static SchemaCase Lacking(string name) =>
        Without(name) with { Types = JsonTypes.Object, Implied = JsonTypes.Object };

    /// <summary>Returns the schema of items.</summary>
    public static SchemaPlace Items(SchemaPlace schema) =>
        schema.At("items") is { Element.ValueKind: not JsonValueKind.Array } items ? items
            : throw SchemaKeywords.Wrong(schema, "items is a list", "write prefixItems for the first items");

    /// <summary>Returns how many items contains asks for.</summary>
    public static ItemCount Contains(SchemaPlace schema) => new(0, new SchemaLiteral(schema.At("contains")),
        SchemaKeywords.Count(schema, "minContains", 1),
        schema.Element.TryGetProperty("maxContains", out _) ? SchemaKeywords.Count(schema, "maxContains") : null);

    /// <summary>Returns the value of multipleOf.</summary>
    public static DecimalNumber Divisor(SchemaPlace schema) =>
        SchemaKeywords.Number(schema, "multipleOf") is { Sign: > 0 } divisor ? divisor
            : throw SchemaKeywords.Wrong(schema, "multipleOf is not positive", "it must be above 0");

    private static NumberFacts NumbersOf(SchemaPlace schema, string keyword)
    {
        if (keyword == "multipleOf")
            return new NumberFacts { Multiples = [Divisor(schema)] };
        bool exclusive = keyword.StartsWith("exclusive", StringComparison.Ordinal);
        var bound = new DecimalBound(SchemaKeywords.Number(schema, keyword), exclusive);
        return keyword is "minimum" or "exclusiveMinimum"
            ? new NumberFacts { Low = bound }
            : new NumberFacts { High = bound };
    }

    private static StringFacts StringsOf(SchemaPlace schema, string keyword)
    {
        switch (keyword)
        {
            case "minLength":
                return new StringFacts { Least = SchemaKeywords.Count(schema, keyword) };
            case "maxLength":
                return new StringFacts { Most = SchemaKeywords.Count(schema, keyword) };
            case "pattern":
                return new StringFacts { Patterns = [SchemaKeywords.Text(schema, keyword)] };
        }
        string name = SchemaKeywords.Text(schema, keyword);
        string format = keyword == "format" ? name : name == "base64" ? JsonFormats.Base64 : "";
        return JsonFormats.Find(format) is not null
            ? new StringFacts { Formats = [format] }
            : throw SchemaKeywords.Wrong(schema, $"the {keyword} '{name}' is not supported", keyword == "format"
                ? $"supported are {string.Join(", ", JsonFormats.Names)}; write others as a pattern"
                : "supported is base64; write others as a pattern");
    }

    private static ArrayFacts ArraysOf(SchemaPlace schema, string keyword)
    {
        switch (keyword)
        {
            case "minItems":
                return new ArrayFacts { Least = SchemaKeywords.Count(schema, keyword) };
            case "maxItems":
                return new ArrayFacts { Most = SchemaKeywords.Count(schema, keyword) };
            case "uniqueItems":
                return new ArrayFacts { IsUnique = SchemaKeywords.Flag(schema, keyword) };
            case "prefixItems":
                SchemaPlace list = SchemaKeywords.ListOf(schema, keyword);
                return new ArrayFacts
                {
                    Items = [.. list.Items().Select((item, i) => new ItemRule(i, i + 1, new SchemaLiteral(item), []))],
                    Evaluated = PrefixOf(schema),
                };
            case "items":
                return new ArrayFacts
                {
                    Items = [new ItemRule(PrefixOf(schema), null, new SchemaLiteral(Items(schema)), [])],
                    Evaluated = int.MaxValue,
                };
            case "contains":
                ItemCount count = Contains(schema);
                return new ArrayFacts { Counts = [count], EvaluatedIf = [count.Literal] };
            default: // minContains and maxContains are read with contains; unevaluatedItems comes last
                return new ArrayFacts();
        }
    }

    private static ObjectFacts ObjectsOf(SchemaPlace schema, string keyword)
    {
        switch (keyword)
        {
            case "minProperties":
                return new ObjectFacts { Least = SchemaKeywords.Count(schema, keyword) };
            case "maxProperties":
                return new ObjectFacts { Most = SchemaKeywords.Count(schema, keyword) };
            case "required":
                return new ObjectFacts { Required = SchemaKeywords.Names(schema, keyword).ToHashSet() };
            case "propertyNames":
                return new ObjectFacts { Names = [new SchemaLiteral(schema.At(keyword))] };
            case "properties" or "patternProperties":
                return new ObjectFacts
                {
                    Properties = [.. SchemaKeywords.Members(schema, keyword).Select(m => new PropertyRule(
                        keyword == "properties" ? NameSet.Of(m.Name) : new NameSet([], [m.Name]),
                        new SchemaLiteral(m.Place)))],
                    Evaluated = [Named(schema, keyword)],
                };
            case "additionalProperties":
                return new ObjectFacts
                {
                    Properties = [new PropertyRule(Named(schema, keyword), new SchemaLiteral(schema.At(keyword)))],
                    Evaluated = [NameSet.All],
                };
            default: // dependentRequired and dependentSchemas have several cases; unevaluatedProperties comes last
                return new ObjectFacts();
        }
    }
}
