using System.Text.Json;
using Atelier.Generation.Constraints;
using Atelier.TestSupport;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>
/// The JSON-Schema-Test-Suite of draft 2020-12 (json-schema-org, the folder json-schema-test-suite of the data). A
/// group is followed if its schema is read and each instance is accepted if and only if it is valid.
/// </summary>
public class SchemaSuiteTests(ITestOutputHelper output)
{
    [Fact]
    public void No_invalid_instance_is_accepted_and_300_groups_are_followed()
    {
        string folder = Path.GetDirectoryName(
            DataFolder.File("json-schema-test-suite", "tests", "draft2020-12", "additionalProperties.json"))!;
        var invalid = new List<string>();
        var refused = new List<string>();
        var missed = new List<string>();
        int groups = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            foreach (JsonElement group in JsonDocument.Parse(File.ReadAllText(path)).RootElement.EnumerateArray())
            {
                groups++;
                string name = $"{Path.GetFileNameWithoutExtension(path)}: {group.GetProperty("description")}";
                try
                {
                    string[] valid = [.. Misjudged(group, everyValue: true, wasValid: true)];
                    if (valid.Length > 0)
                        missed.Add($"{name}: {string.Join("; ", valid)}");
                    invalid.AddRange(Misjudged(group, everyValue: true, wasValid: false)
                        .Concat(Misjudged(group, everyValue: false, wasValid: false)).Select(i => $"{name}: {i}"));
                }
                catch (AtelierException e)
                {
                    e.ToLine().ShouldNotContain("\n");
                    refused.Add($"{name}: {e.ToLine()}");
                }
            }
        }
        output.WriteLine($"{groups} groups, {groups - refused.Count - missed.Count} followed, "
            + $"{refused.Count} refused, {missed.Count} with valid instances that are not accepted");
        foreach (string line in (string[])["INVALID", .. invalid, "MISSED", .. missed, "REFUSED", .. refused])
            output.WriteLine(line);
        invalid.ShouldBeEmpty();
        (groups - refused.Count - missed.Count).ShouldBeGreaterThanOrEqualTo(300);
    }

    [Fact]
    public void No_invalid_value_of_a_format_is_accepted()
    {
        string folder = Path.GetDirectoryName(
            DataFolder.File("json-schema-test-suite", "tests", "draft2020-12", "optional", "format", "date.json"))!;
        var invalid = new List<string>();
        foreach (string path in Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            foreach (JsonElement group in JsonDocument.Parse(File.ReadAllText(path)).RootElement.EnumerateArray())
            {
                string name = Path.GetFileNameWithoutExtension(path);
                try
                {
                    invalid.AddRange(Misjudged(group, everyValue: true, wasValid: false).Select(i => $"{name}: {i}"));
                    output.WriteLine($"{name}: not accepted: "
                        + string.Join(' ', Misjudged(group, everyValue: true, wasValid: true)));
                }
                catch (AtelierException e)
                {
                    output.WriteLine($"{name}: {e.ToLine()}");
                }
            }
        }
        invalid.ShouldBeEmpty();
    }

    /// <summary>The instances of a group that are valid and not accepted, or the other way around.</summary>
    private static IEnumerable<string> Misjudged(JsonElement group, bool everyValue, bool wasValid)
    {
        ByteNetwork network =
            ByteNetwork.Build(JsonSchemaReader.Read(group.GetProperty("schema").GetRawText(), everyValue), null);
        LazyAutomaton? automaton = network.IsUseful[network.Starts[0]] ? new LazyAutomaton(network) : null;
        return group.GetProperty("tests").EnumerateArray()
            .Where(test => test.GetProperty("valid").GetBoolean() == wasValid
                && wasValid != (automaton is not null
                    && Constrained.Accepts(automaton, Written(test.GetProperty("data")))))
            .Select(test => test.GetProperty("data").GetRawText());
    }

    /// <summary>An instance as the constraint writes it: without white space and superfluous escapes.</summary>
    private static string Written(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(',', value.EnumerateObject()
            .Select(p => $"{Quoted(p.Name)}:{Written(p.Value)}"))}}}",
        JsonValueKind.Array => $"[{string.Join(',', value.EnumerateArray().Select(Written))}]",
        JsonValueKind.String => Quoted(value.GetString()!),
        JsonValueKind.Number => DecimalNumber.Parse(value.GetRawText())!.Value.ToString(),
        _ => value.GetRawText(),
    };

    private static string Quoted(string text) => $"\"{string.Concat(text.Select(c => c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        < ' ' => $"\\u{(int)c:x4}",
        _ => c.ToString(),
    }))}\"";
}
