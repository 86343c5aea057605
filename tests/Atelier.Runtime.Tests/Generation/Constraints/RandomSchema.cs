namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>Writes schemas of a few random keywords each.</summary>
internal sealed class RandomSchema(int seed)
{
    private static readonly string[] Types = ["\"string\"", "\"integer\"", "\"number\"", "\"array\"",
        "\"object\"", "\"null\"", "\"boolean\""];

    /// <summary>Null, booleans, numbers and strings that occur in schemas.</summary>
    public static IReadOnlyList<string> Constants { get; } =
        ["null", "true", "false", "0", "1", "2", "1.5", "-3", "\"\"", "\"a\"", "\"b\"", "\"ab\"", "\"ba\""];

    private readonly Random _random = new(seed);

    /// <summary>Returns the next schema, with others inside to a depth.</summary>
    public string Next(int depth)
    {
        if (_random.Next(12) == 0)
            return _random.Next(2) == 0 ? "true" : "false";
        var keywords = new Dictionary<string, string>();
        int count = _random.Next(1, 5);
        for (int i = 0; i < count; i++)
            Add(keywords, depth - 1);
        return $"{{{string.Join(", ", keywords.Select(k => $"\"{k.Key}\": {k.Value}"))}}}";
    }

    private void Add(Dictionary<string, string> keywords, int depth)
    {
        (string keyword, string value) = _random.Next(depth <= 0 ? 12 : 30) switch
        {
            0 or 1 => ("type", Some(Types)),
            2 => ("enum", Some([.. Constants, "[1]", "{\"a\":1}", "[1,\"a\"]"])),
            3 => ("const", One([.. Constants, "[2]", "{\"b\":\"a\"}"])),
            4 => (One(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]), One(["0", "1", "1.5"])),
            5 => ("multipleOf", One(["1", "2", "0.5", "1.5", "3"])),
            6 => (One(["minLength", "maxLength"]), One(["0", "1", "2"])),
            7 => ("pattern", Pattern()),
            8 => (One(["minItems", "maxItems", "minProperties", "maxProperties"]), One(["0", "1", "2"])),
            9 => ("required", Some(["\"a\"", "\"b\"", "\"c\""])),
            10 => ("dependentRequired", $"{{{Name()}: {Some(["\"a\"", "\"ab\"", "\"c\""])}}}"),
            11 => ("propertyNames", Next(0)),
            12 or 13 => ("properties", $"{{{Name()}: {Next(depth)}}}"),
            14 => ("patternProperties", $"{{{Pattern()}: {Next(depth)}}}"),
            15 or 16 => ("additionalProperties", Next(depth)),
            17 => ("items", Next(depth)),
            18 => ("prefixItems", Schemas(depth, 2)),
            19 => ("contains", Next(depth)),
            20 => (One(["minContains", "maxContains"]), One(["0", "1", "2"])),
            21 => ("allOf", Schemas(depth, 3)),
            22 => ("anyOf", Schemas(depth, 3)),
            23 or 24 => ("oneOf", Schemas(depth, 3)),
            25 => ("not", Next(depth)),
            26 => ("if", Next(depth)),
            27 => ("dependentSchemas", $"{{{Name()}: {Next(depth)}}}"),
            28 => (One(["unevaluatedProperties", "unevaluatedItems"]), One(["false", Next(depth)])),
            _ => ("uniqueItems", "true"),
        };
        keywords[keyword] = value;
        if (keyword == "if")
            (keywords["then"], keywords["else"]) = (Next(depth), Next(depth));
        if (keyword is "minContains" or "maxContains")
            keywords["contains"] = Next(depth);
        if (keyword == "uniqueItems")
            keywords["items"] = "{\"enum\": [1, 2, \"a\", null]}";
    }

    private string Schemas(int depth, int most) =>
        $"[{string.Join(", ", Enumerable.Range(0, _random.Next(1, most + 1)).Select(_ => Next(depth)))}]";

    private string Name() => One(["\"a\"", "\"b\"", "\"ab\"", "\"c\""]);

    private string Pattern() => One(["\"a\"", "\"^b\"", "\"a$\"", "\"^ab?$\"", "\"^[^a]\""]);

    private string One(string[] all) => all[_random.Next(all.Length)];

    private string Some(string[] all) =>
        $"[{string.Join(", ", Enumerable.Range(0, _random.Next(1, 4)).Select(_ => One(all)).Distinct())}]";
}
