using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Generation.Constraints;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using CsCheck;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation.Constraints;

public class SchemaTests
{
    private const string Person = """
        {
          "title": "a person", "type": "object",
          "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 8 },
            "age": { "type": "integer", "minimum": 0, "maximum": 130 },
            "mail": { "type": "string", "pattern": "^[a-z]{1,5}@[a-z]{2,4}\\.(org|net)$" },
            "tags": { "type": "array", "items": { "enum": ["a", "b\"c", 3, null] }, "maxItems": 3 }
          },
          "required": ["name", "age"], "additionalProperties": false
        }
        """;

    private const string Tree = """
        { "$ref": "#/$defs/node", "$defs": { "node": { "type": "object", "properties": {
          "value": { "type": "boolean" },
          "children": { "type": "array", "items": { "$ref": "#/$defs/node" }, "maxItems": 2 } },
            "required": ["value", "children"], "additionalProperties": false } } }
        """;

    public static TheoryData<string> Schemas =>
    [
        Person,
        Tree,
        """{ "type": "object", "properties": { "a": { "const": 1 }, "b": { "const": 2 }, "c": { "const": 3 } } }""",
        """
        { "type": "object", "properties": { "ab": { "type": "null" } }, "additionalProperties": { "type": "boolean" },
          "required": ["ab", "x"] }
        """,
        """
        { "type": "array", "items": { "type": ["integer", "null"], "exclusiveMinimum": -12, "maximum": 7 },
          "minItems": 2, "maxItems": 4 }
        """,
        """{ "type": "number", "minimum": 0.25, "exclusiveMaximum": 1 }""",
        """{ "type": "number", "minimum": -3.5, "maximum": -0.125 }""",
        """
        { "anyOf": [ { "type": "string", "format": "date" }, { "type": "string", "format": "uuid" },
          { "type": "string", "format": "ipv4" } ] }
        """,
        """{ "type": "array", "items": { "type": "string", "format": "date-time" }, "minItems": 2, "maxItems": 3 }""",
        """
        { "oneOf": [
          { "type": "object", "properties": { "kind": { "const": "circle" }, "r": { "type": "integer" } },
            "required": ["kind", "r"], "additionalProperties": false },
          { "type": "object", "properties": { "kind": { "enum": ["square"] }, "side": { "type": "integer" } },
            "required": ["kind", "side"], "additionalProperties": false },
          { "type": "null" } ] }
        """,
        """{ "enum": [ "x\ny", { "a": [1, 2], "b": {} }, [], 1.50, true ] }""",
        """{ "allOf": [ { "type": "string", "maxLength": 3 } ] }""",
        """
        { "allOf": [ { "type": "string", "pattern": "^[a-d]" }, { "maxLength": 4, "minLength": 2 } ],
          "not": { "enum": ["ab", "abc"] } }
        """,
        """
        { "type": "array", "prefixItems": [ { "type": "boolean" }, { "const": "a" } ], "items": { "type": "null" } }
        """,
        """{ "type": "array", "items": { "enum": [1, 2, "a", null] }, "uniqueItems": true, "minItems": 2 }""",
        """
        { "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 9 }, "maxItems": 4,
          "contains": { "minimum": 5 }, "minContains": 1, "maxContains": 2 }
        """,
        """
        { "type": "object", "patternProperties": { "^a": { "type": "boolean" } }, "additionalProperties": false,
          "propertyNames": { "maxLength": 2 }, "minProperties": 1, "maxProperties": 2 }
        """,
        """{ "type": "integer", "multipleOf": 7, "minimum": -100, "maximum": 100 }""",
        """{ "type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 10 }""",
        """
        { "type": "object", "properties": { "a": { "enum": [1, 2] }, "b": { "type": "boolean" },
          "c": { "type": "null" } }, "required": ["a"], "additionalProperties": false,
          "if": { "properties": { "a": { "const": 1 } } }, "then": { "required": ["b"] },
          "else": { "required": ["c"] }, "dependentRequired": { "b": ["c"] } }
        """,
        """{ "type": "integer", "nullable": true, "format": "int32" }""",
        """
        { "anyOf": [ { "type": "string", "format": "email" }, { "type": "string", "format": "ipv6" },
          { "type": "string", "format": "hostname" }, { "type": "string", "format": "duration" } ] }
        """,
        """
        { "allOf": [ { "type": "object", "properties": { "a": { "type": "null" } } } ],
          "properties": { "b": { "type": "boolean" } }, "required": ["b"], "unevaluatedProperties": false }
        """,
        """{ "type": "object" }""",
        "true",
    ];

    [Theory]
    [MemberData(nameof(Schemas))]
    public async Task Every_sample_of_every_tokenizer_parses_and_is_valid(string schema)
    {
        int ended = 0;
        foreach (Tokenizer tokenizer in Constrained.Tokenizers.Where(t =>
            t is not CharacterTokenizer { ByteFallback: false }))
        {
            foreach (string text in await Constrained.Ended(tokenizer, new() { Schema = schema, MaxTokens = 200 },
                count: 12))
            {
                SchemaValidator.IsValid(schema, text).ShouldBeTrue($"{tokenizer.Kind}: {text}");
                ended++;
            }
        }
        ended.ShouldBeGreaterThan(10);
    }

    [Theory]
    [InlineData(Person, """{"name": "Ann", "age":130}""", true)]
    [InlineData(Person, """{"name":"Ann","age":7,"mail":"a@bc.org","tags":["b\"c",3]}""", true)]
    [InlineData(Person, """{"name":"Ann","age":7,"tags":[]}""", true)]
    [InlineData(Person, """{"name":"Ann","age":131}""", false)]
    [InlineData(Person, """{"age":7}""", false)]
    [InlineData(Person, """{"name":"Ann","age":7,"x":1}""", false)]
    [InlineData(Person, """{"name":"Ann","age":7,}""", false)]
    [InlineData(Person, """{"name":"","age":7}""", false)]
    [InlineData(Tree, """{"value":true,"children":[{"value":false,"children":[{"value":false,"children":[]}]}]}""",
        true)]
    [InlineData(Tree, """{"value":true,"children":[{"value":false,"children":[{"value":false,"children":[]}]}}""",
        false)]
    public void Texts_are_told_from_others(string schema, string text, bool follows) =>
        Constrained.Accepts(JsonSchemaReader.Read(schema), text).ShouldBe(follows);

    [Fact]
    public void Recursion_goes_as_deep_as_the_text()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"value\":true,\"children\":[", 400))
            + string.Concat(Enumerable.Repeat("]}", 400));
        Grammar tree = JsonSchemaReader.Read(Tree);
        Constrained.Accepts(tree, deep).ShouldBeTrue();
        Constrained.Accepts(tree, deep + "]}").ShouldBeFalse();
        Constrained.Accepts(tree, deep[..^2]).ShouldBeFalse();
    }

    [Fact]
    public void Ranges_of_numbers_hold_exactly_the_numbers_between()
    {
        Gen<decimal> bound =
            Gen.Select(Gen.Int[-2500, 2500], Gen.Int[0, 2], (n, decimals) => n / (decimal)Math.Pow(10, decimals));
        Gen.Select(bound, bound, Gen.Bool, Gen.Bool, Gen.Bool).Sample((a, b, aExclusive, bExclusive, whole) =>
        {
            Expression range =
                DecimalRange.Between(new(Math.Min(a, b), aExclusive), new(Math.Max(a, b), bExclusive), whole);
            ByteNetwork network = ByteNetwork.Build(new([range]), null);
            LazyAutomaton? automaton = network.IsUseful[network.Starts[0]] ? new LazyAutomaton(network) : null;
            for (int i = -40; i <= 40; i++)
            {
                foreach (decimal near in (decimal[])[a, b, (a + b) / 2, 0])
                {
                    decimal number = decimal.Round(near, 2) + (i % 2 == 0 ? i / 2 : i * 0.01m);
                    bool inside = (aExclusive ? number > Math.Min(a, b) : number >= Math.Min(a, b))
                        && (bExclusive ? number < Math.Max(a, b) : number <= Math.Max(a, b));
                    // Zero has no sign, whole numbers no point; otherwise zeros may follow the decimals.
                    string text = number == 0 ? "0"
                        : (whole ? number.ToString("0.##", CultureInfo.InvariantCulture)
                        : number.ToString(CultureInfo.InvariantCulture));
                    bool accepted = automaton is not null && Constrained.Accepts(automaton, text);
                    accepted.ShouldBe(inside
                        && (!whole || decimal.IsInteger(number)),
                        $"{text} in {a} {aExclusive} {b} {bExclusive} {whole}");
                }
            }
        }, iter: 300);
        foreach ((string text, bool inside) in ((string, bool)[])[("5", true), ("12345678901", true), ("4.999", false),
            ("-7", false), ("05", false), ("5.", false), ("5e3", false)])
            Constrained.Accepts(JsonSchemaReader.Read("""{ "type": "number", "minimum": 5 }"""), text)
                .ShouldBe(inside, text);
    }

    [Theory]
    [InlineData("""{ "type": "object", "dependencies": {} }""", "the keyword 'dependencies' is not supported")]
    [InlineData("""{ "type": "string", "minlength": 2 }""", "did you mean 'minLength'?")]
    [InlineData("""{ "type": "array", "uniqueItems": true }""", "uniqueItems needs items from a finite list")]
    [InlineData("""{ "not": { "format": "email" } }""", "the opposite of 'format' is not supported")]
    [InlineData("""{ "multipleOf": 0.123456789, "type": "integer" }""", "multipleOf needs too many remainders")]
    [InlineData("""{ "multipleOf": 0 }""", "multipleOf is not positive")]
    [InlineData("""{ "items": [ {} ] }""", "write prefixItems for the first items")]
    [InlineData("""{ "not": 3 }""", "a schema must be an object, true or false")]
    [InlineData("""{ "required": "a" }""", "required is not a list")]
    [InlineData("""{ "enum": { "a": 1 } }""", "enum is not a list")]
    [InlineData("""{ "uniqueItems": 1 }""", "uniqueItems is 1")]
    [InlineData("""{ "contentEncoding": "quoted-printable" }""", "supported is base64")]
    [InlineData("""{ "type": "text" }""", "there is no type \"text\"")]
    [InlineData("""{ "$ref": "#/$defs/x" }""", "'#/$defs/x' is not in this schema")]
    [InlineData("""{ "$ref": "other.json" }""", "'other.json' is not in this schema")]
    [InlineData("""{ "$ref": "#" }""", "a rule starts with itself")]
    [InlineData("""{ "anyOf": [ { "$ref": "#" }, { "type": "null" } ] }""", "a rule starts with itself")]
    [InlineData("""{ "allOf": [] }""", "allOf is an empty list")]
    [InlineData("""{ "oneOf": [ { "type": "integer" }, { "type": "integer", "minimum": 0 } ], "minimum": 0 }""",
        "it contradicts itself")]
    [InlineData("""{ "type": "string", "format": "regex" }""", "the format 'regex' is not supported")]
    [InlineData("""{ "type": "integer", "minimum": "3" }""", "minimum is \"3\"")]
    [InlineData("""{ "type": "integer", "minimum": 3, "maximum": 2 }""", "it contradicts itself")]
    [InlineData("""{ "type": "object", "properties": { "next": { "$ref": "#" } }, "required": ["next"] }""",
        "no finite text can satisfy it")]
    [InlineData("""{ "enum": ["a"], "type": "integer" }""", "it contradicts itself")]
    [InlineData("""{ "type": "array", "minItems": 3, "maxItems": 1 }""", "it contradicts itself")]
    [InlineData("false", "it contradicts itself")]
    [InlineData("{ \"type\": ", "not JSON")]
    [InlineData("[]", "a schema must be an object")]
    [InlineData("""{ "type": "string", "maxLength": 1000000 }""", "more than 100000 states")]
    public async Task A_schema_that_cannot_be_held_is_refused_in_one_line(string schema, string says)
    {
        AtelierException error =
            await Should.ThrowAsync<AtelierException>(() =>
            Constrained.Ended(new ByteTokenizer(), new() { Schema = schema }));
        error.ToLine().ShouldContain(says);
        error.Where!.ShouldStartWith("schema");
    }

    [Fact]
    public void Optional_properties_cost_their_number_not_its_power()
    {
        string properties =
            string.Join(", ", Enumerable.Range(0, 200).Select(i => $"\"p{i}\": {{ \"type\": \"boolean\" }}"));
        Grammar grammar = JsonSchemaReader.Read($$"""{ "type": "object", "properties": { {{properties}} } }""");
        ByteNetwork.Build(grammar, null).Nodes.Count.ShouldBeLessThan(20_000);
        Constrained.Accepts(grammar, """{"p3":true,"p198":false}""").ShouldBeTrue();
        Constrained.Accepts(grammar, """{"p198":true,"p3":false}""").ShouldBeFalse();
    }

    [Fact]
    public async Task A_chat_that_asks_for_json_gets_it()
    {
        var bytes = new ByteTokenizer();
        using var generator =
            new TextGenerator(MarkovModel.Random(257, 6), bytes, new() { Pattern = "no", MaxTokens = 300 }, 256);
        using IChatClient client = new TextChatClient(generator);
        var schema = JsonElement.Parse(
            """{ "type": "object", "properties": { "ok": { "type": "boolean" } }, "required": ["ok"] }""");
        ChatResponse response = await client.GetResponseAsync("say",
            new ChatOptions { Seed = 1, ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) });
        JsonDocument.Parse(response.Text).RootElement.GetProperty("ok").ValueKind.ShouldBeOneOf(JsonValueKind.True,
            JsonValueKind.False);
        (await client.GetResponseAsync("say", new ChatOptions { Seed = 1 })).Text.ShouldBe("no");
    }

    [Fact]
    public void A_pattern_and_a_schema_together_are_refused() =>
        Should.Throw<AtelierException>(() => new DecodingOptions { Pattern = "a", Schema = "true" }.Check());
}
