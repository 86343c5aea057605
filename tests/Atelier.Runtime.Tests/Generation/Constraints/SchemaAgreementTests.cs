using System.Text.Json;
using Atelier.Generation.Constraints;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>
/// Random schemas of all keywords, against all of some hundred values: the constraint of every value accepts exactly
/// those that a validator finds valid, and the usual one accepts a part of them.
/// </summary>
public class SchemaAgreementTests
{
    private static readonly string[] Primitives =
        ["null", "true", "false", "0", "1", "2", "1.5", "-3", "\"\"", "\"a\"", "\"b\"", "\"ab\"", "\"ba\""];

    private static readonly string[] Values = [.. AllValues()];

    [Fact]
    public void Exactly_the_valid_values_are_accepted()
    {
        int read = 0, accepted = 0, refused = 0;
        for (int seed = 1; seed <= 300; seed++)
        {
            string schema = new RandomSchema(seed).Next(3);
            LazyAutomaton? every, usual;
            try
            {
                (every, usual) = (Automaton(schema, true), Automaton(schema, false));
            }
            catch (AtelierException e)
            {
                e.ToLine().ShouldNotContain("\n");
                refused++;
                continue;
            }
            read++;
            JsonElement root = JsonElement.Parse(schema);
            var validator = new SchemaValidator(root);
            foreach (string value in Values)
            {
                bool valid = validator.Holds(root, JsonElement.Parse(value));
                (every is not null && Constrained.Accepts(every, value)).ShouldBe(valid, $"{value} and {schema}");
                if (usual is not null && Constrained.Accepts(usual, value))
                    valid.ShouldBeTrue($"{value} and {schema}, as usual");
                accepted += valid ? 1 : 0;
            }
        }
        refused.ShouldBeLessThan(read / 10);
        accepted.ShouldBeInRange(read * Values.Length / 20, read * Values.Length * 19 / 20);
    }

    private static LazyAutomaton? Automaton(string schema, bool everyValue)
    {
        ByteNetwork network = ByteNetwork.Build(JsonSchemaReader.Read(schema, everyValue), null);
        return network.IsUseful[network.Starts[0]] ? new LazyAutomaton(network) : null;
    }

    private static IEnumerable<string> AllValues()
    {
        string[] few = ["null", "1", "2", "\"a\"", "\"ab\""];
        foreach (string primitive in Primitives)
            yield return primitive;
        yield return "[]";
        foreach (string a in few)
        {
            yield return $"[{a}]";
            foreach (string b in few)
                yield return $"[{a},{b}]";
        }
        string[] longer = ["1,\"a\",2", "1,1,1", "\"a\",\"a\",1", "2,1,\"a\",null", "[1],[]", "{\"a\":1}"];
        foreach (string tail in longer)
            yield return $"[{tail}]";
        string[] names = ["a", "b", "ab", "c"];
        for (int chosen = 0; chosen < 256; chosen++) // two bits for each name: absent, or one of three values
        {
            IEnumerable<string> members = names.Select((name, i) => (chosen >> (2 * i) & 3) switch
            {
                0 => "",
                int value => $"\"{name}\":{few[value]}",
            }).Where(m => m.Length > 0);
            yield return $"{{{string.Join(',', members)}}}";
            if (chosen % 16 == 9)
                yield return $"{{{string.Join(',', members.Reverse())}}}";
        }
        yield return """{"a":{"a":1},"b":["a"]}""";
    }

    /// <summary>Writes schemas of a few random keywords each.</summary>
    private sealed class RandomSchema(int seed)
    {
        private static readonly string[] Types = ["\"string\"", "\"integer\"", "\"number\"", "\"array\"",
            "\"object\"", "\"null\"", "\"boolean\""];

        private readonly Random _random = new(seed);

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
                2 => ("enum", Some([.. Primitives, "[1]", "{\"a\":1}", "[1,\"a\"]"])),
                3 => ("const", One([.. Primitives, "[2]", "{\"b\":\"a\"}"])),
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
}
