using System.Text.Json;
using Atelier.Generation.Constraints;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>
/// Random schemas of all keywords, against all of some hundred values: the constraint of every value accepts exactly
/// those that a validator finds valid, and the usual one accepts a part of them.
/// </summary>
public class SchemaAgreementTests
{
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
        foreach (string primitive in RandomSchema.Constants)
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
}
