using System.Globalization;
using System.Text;
using Atelier.Generation.Constraints;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>Large, exploding and spoiled schemas.</summary>
public class SchemaLimitTests
{
    [Fact]
    public void An_enumeration_may_have_5000_values()
    {
        string[] values = [.. Enumerable.Range(0, 5_000).Select(i => string.Create(CultureInfo.InvariantCulture,
            $"\"product-{i * 7919 % 100_003}-{(char)('a' + i % 26)}\""))];
        Grammar grammar = JsonSchemaReader.Read($$"""{ "enum": [ {{string.Join(", ", values)}} ] }""");
        var automaton = new LazyAutomaton(ByteNetwork.Build(grammar, null));
        var known = values.ToHashSet();
        foreach (string value in values.Where((_, i) => i % 7 == 0))
        {
            Constrained.Accepts(automaton, value).ShouldBeTrue(value);
            string other = value.Replace('-', '1');
            Constrained.Accepts(automaton, other).ShouldBe(known.Contains(other));
            Constrained.Accepts(automaton, value[..^2] + "\"").ShouldBe(known.Contains(value[..^2] + "\""));
        }
        Grammar numbers = JsonSchemaReader.Read($$"""
            { "type": "integer", "enum": [ {{string.Join(", ", Enumerable.Range(0, 5_000).Select(i => i * 3))}}, "x" ] }
            """);
        Constrained.Accepts(numbers, "14997").ShouldBeTrue();
        Constrained.Accepts(numbers, "14998").ShouldBeFalse();
        Constrained.Accepts(numbers, "\"x\"").ShouldBeFalse();
    }

    [Fact]
    public void Bounds_may_have_any_number_of_digits()
    {
        string low = "1" + new string('0', 30), high = new string('9', 80) + ".5";
        var automaton = new LazyAutomaton(ByteNetwork.Build(JsonSchemaReader.Read(
            $$"""{ "type": "number", "minimum": {{low}}, "exclusiveMaximum": {{high}} }"""), null));
        foreach ((string text, bool inside) in ((string, bool)[])[(low, true), (low + ".25", true),
            (new string('9', 30), false), ("2" + low, true), (high, false), (high[..^1] + "4", false)])
            Constrained.Accepts(automaton, text).ShouldBe(inside, text);
        var exact = new LazyAutomaton(ByteNetwork.Build(JsonSchemaReader.Read(
            $$"""{ "type": "integer", "minimum": 1e60, "maximum": {{"1" + new string('0', 59)}}5 }"""), null));
        Constrained.Accepts(exact, "1" + new string('0', 59) + "3").ShouldBeTrue();
        Constrained.Accepts(exact, "1" + new string('0', 59) + "6").ShouldBeFalse();
    }

    [Fact]
    public void Many_alternatives_that_a_constant_tells_apart_stay_few()
    {
        string alternatives = string.Join(", ", Enumerable.Range(0, 40).Select(i => $$"""
            { "type": "object", "properties": { "kind": { "const": "k{{i}}" },
              {{string.Join(", ", Enumerable.Range(0, 10).Select(j => $"\"p{j}\": {{ \"type\": \"integer\" }}"))}} },
              "required": ["kind", "p0"], "additionalProperties": false }
            """));
        Grammar grammar = JsonSchemaReader.Read($$"""{ "oneOf": [ {{alternatives}} ] }""");
        ByteNetwork network = ByteNetwork.Build(grammar, null);
        network.Nodes.Count.ShouldBeLessThan(30_000);
        var automaton = new LazyAutomaton(network);
        Constrained.Accepts(automaton, """{"kind":"k39","p0":1,"p9":2}""").ShouldBeTrue();
        Constrained.Accepts(automaton, """{"kind":"k40","p0":1}""").ShouldBeFalse();
    }

    /// <summary>Schemas that explode, with ' for quotes.</summary>
    public static TheoryData<string> Exploding =>
    [
        $"{{ 'allOf': [ {Repeated(24, i =>
            $"{{ 'anyOf': [ {{ 'required': ['a{i}'] }}, {{ 'required': ['b{i}'] }} ] }}")} ] }}",
        $"{{ 'oneOf': [ {Repeated(20, i =>
            $"{{ 'required': ['a{i}'], 'properties': {{ 'b{i}': {{ 'minimum': 1 }} }} }}")} ] }}",
        "{ 'type': 'array', 'items': true, 'minItems': 2000000000 }",
        "{ 'type': 'object', 'minProperties': 500 }",
        "{ 'type': 'object', 'minProperties': 2000000000, 'maxProperties': 2000000000 }",
        "{ 'type': 'string', 'minLength': 5000, 'maxLength': 9000, 'pattern': 'a.{500}b' }",
        "{ 'type': 'string', 'allOf': [ { 'pattern': 'a.{30}$' }, { 'pattern': 'b.{31}$' } ] }",
        "{ 'type': 'number', 'multipleOf': 99991 }",
        "{ 'type': 'number', 'minimum': 1e999999999 }",
        $"{{ 'type': 'object', 'patternProperties': {{ {Repeated(12, i => $"'{(char)('a' + i)}': {{}}")} }} }}",
        $"{{ 'allOf': [ {Repeated(9, i => $"{{ 'contains': {{ 'const': {i} }}, 'minContains': 9 }}")} ] }}",
        $"{{ '$ref': '#/$defs/d0', '$defs': {{ {Repeated(400, i => $"'d{i}': {{ '$ref': '#/$defs/d{i + 1}' }}")},"
            + " 'd400': true } }",
        "{ 'properties': { 'a': true }, 'items': { 'type': 'string', 'minLength': 150000 } }",
    ];

    [Theory]
    [MemberData(nameof(Exploding))]
    public void A_schema_that_explodes_is_refused_in_one_line(string schema)
    {
        AtelierException error = Should.Throw<AtelierException>(() =>
            ByteNetwork.Build(JsonSchemaReader.Read(schema.Replace('\'', '"')), null));
        error.ToLine().ShouldNotContain("\n");
        error.Hint.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public void Ten_thousand_spoiled_schemas_are_read_or_refused_in_one_line()
    {
        const string schema = """
            {"$id":"http://a.org/b","type":["object","array"],"properties":{"a":{"$ref":"#/$defs/s"},"b":{"not":
            {"const":{"x":[1,null]}}},"c":{"maximum":1e3}},"patternProperties":{"^d+$":{"format":"date"}},
            "required":["a"],"if":{"properties":{"b":{"enum":[1,"2"]}}},"then":{"minProperties":2},"else":false,
            "dependentRequired":{"a":["b"]},"prefixItems":[{"type":"null"},true],"items":{"anyOf":[{"minLength":2},
            {"$anchor":"q","maxLength":3}]},"contains":{"const":3},"maxContains":4,"uniqueItems":false,"minItems":1,
            "unevaluatedProperties":{"oneOf":[{"type":"integer"},{"minimum":2}]},"$defs":{"s":{"type":"string",
            "pattern":"^[a-c]{1,3}\\d?$","allOf":[{"$dynamicRef":"#q"}]}},"x-note":{"nullable":true}}
            """;
        string[] pieces = ["{", "}", "[", "]", ",", ":", "\"", "0", "-1", "1e9", "null", "true", "{}", "[]", "#", "\\",
            "\"not\":", "\"$ref\":\"#\",", "\"type\":\"x\",", "\\ud83d", "1e400", "\"minItems\":99999,"];
        var random = new Random(7);
        int read = 0;
        for (int i = 0; i < 10_000; i++)
        {
            var text = new StringBuilder(schema);
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(text.Length);
                if (random.Next(3) > 0)
                    text.Remove(at, Math.Min(random.Next(1, 12), text.Length - at));
                if (random.Next(3) > 0)
                    text.Insert(at, pieces[random.Next(pieces.Length)]);
            }
            try
            {
                ByteNetwork.Build(JsonSchemaReader.Read(text.ToString()), null);
                read++;
            }
            catch (AtelierException e)
            {
                e.ToLine().ShouldNotContain("\n");
            }
        }
        read.ShouldBeInRange(50, 9_000);
    }

    private static string Repeated(int count, Func<int, string> part) =>
        string.Join(", ", Enumerable.Range(0, count).Select(part));
}
