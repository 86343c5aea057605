using System.Globalization;
using Atelier.Generation.Constraints;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>Formats, references and damage of schemas.</summary>
public class SchemaDocumentTests
{
    [Fact]
    public void A_date_is_one_of_the_calendar()
    {
        LazyAutomaton dates = Automaton("""{ "type": "string", "format": "date" }""");
        foreach (int year in (int[])[0, 1, 4, 96, 100, 200, 400, 800, 1000, 1900, 1996, 2000, 2023, 2024, 2100, 2400,
            9996, 9999])
        {
            for (int month = 0; month <= 13; month++)
            {
                for (int day = 0; day <= 32; day++)
                {
                    string date = string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}");
                    Constrained.Accepts(dates, $"\"{date}\"")
                        .ShouldBe(DateOnly.TryParseExact(date, "yyyy-MM-dd", out _), date);
                }
            }
        }
    }

    [Theory]
    [InlineData("date-time", "2024-02-29T23:59:59Z", true)]
    [InlineData("date-time", "2023-11-30T00:00:00.125+05:30", true)]
    [InlineData("date-time", "2024-02-29", false)]
    [InlineData("date-time", "2023-01-31", false)]
    [InlineData("date-time", "T23:59:59Z", false)]
    [InlineData("date-time", "2023-02-29T00:00:00Z", false)]
    [InlineData("date-time", "2024-02-29T24:00:00Z", false)]
    [InlineData("date-time", "2024-02-29T12:00:00", false)]
    [InlineData("time", "12:00:00-08:00", true)]
    [InlineData("time", "2024-02-29T12:00:00Z", false)]
    [InlineData("ipv4", "127.0.0.1", true)]
    [InlineData("ipv4", "256.0.0.1", false)]
    [InlineData("ipv4", "01.0.0.1", false)]
    [InlineData("uuid", "123e4567-e89b-12d3-a456-426614174000", true)]
    public void A_format_is_all_of_the_string(string format, string text, bool follows) =>
        Constrained.Accepts(Automaton($$"""{ "type": "string", "format": "{{format}}" }"""), $"\"{text}\"")
            .ShouldBe(follows);

    [Theory]
    [InlineData("#/$defs/flag")]
    [InlineData("#flag")]
    [InlineData("https://example.org/schemas/one.json#/$defs/flag")]
    [InlineData("https://example.org/schemas/one.json#flag")]
    [InlineData("one.json#flag")]
    [InlineData("/schemas/one.json#/%24defs/flag")]
    public void A_reference_leads_to_its_place_its_anchor_and_under_the_document_s_own_name(string reference)
    {
        LazyAutomaton automaton = Automaton($$"""
            { "$id": "https://example.org/schemas/one.json", "$defs":
              { "flag": { "$anchor": "flag", "type": "boolean" } },
              "type": "array", "items": { "$ref": "{{reference}}" } }
            """);
        Constrained.Accepts(automaton, "[true,false]").ShouldBeTrue();
        Constrained.Accepts(automaton, "[1]").ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{ "properties": { "a": { "$id": "#a", "type": "null" } } }""", "with a fragment")]
    [InlineData("""{ "$id": "http://a.org/", "$defs": { "a": { "$id": "x" }, "b": { "$id": "/x" } } }""",
        "appears twice")]
    [InlineData("""{ "$id": 3 }""", "$id is 3")]
    [InlineData("""{ "$defs": { "a": { "$anchor": "x" }, "b": { "$anchor": "x" } } }""", "'x' appears twice")]
    [InlineData("""{ "$ref": "#nowhere" }""", "'#nowhere' is not in this schema")]
    [InlineData("""{ "$id": "https://example.org/a", "$ref": "https://example.org/b" }""", "is not in this schema")]
    [InlineData("""{ "$defs": { "a": { "anyOf": [ true ] } }, "$ref": "#/$defs/a/anyOf/00" }""",
        "is not in this schema")]
    [InlineData("""{ "type": "string", "type": "null" }""", "'type' appears twice")]
    [InlineData("""{ "const": "\ud800" }""", "half a surrogate pair")]
    [InlineData("""{ "enum": [ "a", ["\udc00x"] ] }""", "half a surrogate pair")]
    [InlineData("""{ "properties": { "\ud83d": true } }""", "half a surrogate pair")]
    [InlineData("""{ "type": "string", "pattern": "\ud83d" }""", "half a surrogate pair")]
    [InlineData("""{ "title": "\ud83d\ud83d" }""", "half a surrogate pair")]
    [InlineData("""{ "type": "string", "pattern": "\\ud83d" }""", "half a surrogate pair")]
    [InlineData("""{ "items": { "$recursiveRef": "#" } }""", "the keyword '$recursiveRef' is not supported")]
    [InlineData("""{ "type": "array", "additionalItems": false }""", "the schema would allow more")]
    [InlineData(
        """{ "$defs": { "a": { "$dynamicAnchor": "x", "$id": "a" } }, "$dynamicAnchor": "x", "$dynamicRef": "#x" }""",
        "leads to several schemas")]
    public async Task What_is_not_read_is_refused_by_name(string schema, string says)
    {
        AtelierException error =
            await Should.ThrowAsync<AtelierException>(() =>
            Constrained.Ended(new ByteTokenizer(), new() { Schema = schema }));
        error.ToLine().ShouldContain(says);
        error.Where!.ShouldStartWith(error.Message.StartsWith("half", StringComparison.Ordinal)
            && schema.Contains("pattern", StringComparison.Ordinal) ? "" : "schema");
    }

    [Fact]
    public void A_schema_inside_another_has_a_base_and_anchors_of_its_own()
    {
        LazyAutomaton automaton = Automaton("""
            { "$id": "https://example.org/schemas/one.json", "type": "array",
              "prefixItems": [ { "$ref": "two.json" }, { "$ref": "two.json#value" }, { "$ref": "#value" },
                { "$ref": "/schemas/two.json#/$defs/value" } ], "items": false, "minItems": 4,
              "$defs": {
                "value": { "$anchor": "value", "type": "null" },
                "two": { "$id": "two.json", "items": { "$ref": "#value" }, "type": "array",
                  "$defs": { "value": { "$anchor": "value", "type": "boolean" } } } } }
            """);
        Constrained.Accepts(automaton, "[[true,false],true,null,false]").ShouldBeTrue();
        Constrained.Accepts(automaton, "[[null],true,null,false]").ShouldBeFalse();
        Constrained.Accepts(automaton, "[[],null,null,false]").ShouldBeFalse();
        Constrained.Accepts(automaton, "[[],true,true,false]").ShouldBeFalse();
    }

    [Fact]
    public void Half_a_character_that_is_not_escaped_is_refused_too() =>
        Should.Throw<AtelierException>(() => JsonSchemaReader.Read("{ \"const\": \"\ud83d\" }")).ToLine()
            .ShouldContain("half a surrogate pair");

    [Fact]
    public void A_keyword_that_is_known_and_not_read_is_no_misspelling_of_another()
    {
        foreach (string keyword in (string[])["dependencies", "additionalItems", "divisibleBy", "$vocabulary", "id"])
            Should.Throw<AtelierException>(() => JsonSchemaReader.Read($$"""{ "{{keyword}}": 1 }""")).Hint!
                .ShouldNotContain("did you mean");
    }

    private static LazyAutomaton Automaton(string schema) =>
        new(ByteNetwork.Build(JsonSchemaReader.Read(schema), null));
}
