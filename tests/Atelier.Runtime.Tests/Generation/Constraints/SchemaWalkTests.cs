using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Atelier.Generation.Constraints;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>
/// Random walks through constraints, byte by byte, are valid: by the tests' validator, and by ajv if ATELIER_AJV names
/// a folder node_modules with the npm packages ajv and ajv-formats; Node runs benchmarks/peers/ajv.mjs.
/// </summary>
public sealed partial class SchemaWalkTests : IDisposable
{
    private const int Longest = 3_000;
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_walk_is_valid()
    {
        int walks = 0;
        foreach (string schema in Schemas(100))
        {
            foreach (string text in Walks(schema, 10))
            {
                SchemaValidator.IsValid(schema, text).ShouldBeTrue($"{text} and {schema}");
                walks++;
            }
        }
        walks.ShouldBeGreaterThan(400);
    }

    [Fact]
    public void Ajv_finds_every_walk_valid()
    {
        string? packages = Environment.GetEnvironmentVariable("ATELIER_AJV");
        Assert.SkipWhen(string.IsNullOrEmpty(packages), "ATELIER_AJV is not set");
        string path = Path.Combine(_folder, "walks.jsonl");
        using (var file = new StreamWriter(path))
        {
            // ajv fails groups of the suite with these: it does not see what if, contains and anyOf have evaluated,
            // follows anchors by other rules, and takes properties of JavaScript's objects for those of the value
            string[] misread = ["unevaluated", "$dynamicRef", "__proto__"];
            foreach (string schema in Schemas(1_000).Concat(Suite()).Where(schema => !misread.Any(schema.Contains)))
            {
                file.WriteLine($"{{\"schema\": {schema.ReplaceLineEndings(" ")}, "
                    + $"\"texts\": {JsonSerializer.Serialize(Walks(schema, 15))}}}");
            }
        }
        string output = Peer.Run("node", Peer.Script("ajv.mjs"), packages!, path);
        TestContext.Current.SendDiagnosticMessage(output);
        JsonElement result = JsonElement.Parse(output);
        result.GetProperty("invalid").GetArrayLength().ShouldBe(0, output);
        result.GetProperty("texts").GetInt32().ShouldBeGreaterThan(10_000, output);
    }

    /// <summary>The schemas of the other tests, and random ones.</summary>
    private static IEnumerable<string> Schemas(int random) => SchemaTests.Schemas.Select(row => row.Data)
        .Concat(Enumerable.Range(1, random).Select(seed => new RandomSchema(10_000 + seed).Next(3)));

    /// <summary>The schemas of JSON-Schema-Test-Suite, if it is there.</summary>
    private static IEnumerable<string> Suite()
    {
        string folder = Path.Combine(Environment.GetEnvironmentVariable("ATELIER_DATA") ?? "", "json-schema-test-suite",
            "tests", "draft2020-12");
        return !Directory.Exists(folder) ? []
            : Directory.EnumerateFiles(folder, "*.json").SelectMany(path =>
                JsonDocument.Parse(File.ReadAllText(path)).RootElement.EnumerateArray())
                .Select(group => group.GetProperty("schema").GetRawText());
    }

    /// <summary>Returns walks through the constraint of a schema; none if it is refused.</summary>
    private static List<string> Walks(string schema, int count)
    {
        ByteNetwork network;
        try
        {
            network = ByteNetwork.Build(JsonSchemaReader.Read(schema), null);
        }
        catch (AtelierException)
        {
            return [];
        }
        var walks = new List<string>();
        if (!network.IsUseful[network.Starts[0]])
            return walks;
        var automaton = new LazyAutomaton(network);
        for (int seed = 1; seed <= count; seed++)
        {
            // numbers beyond the digits of a double are read as others
            if (Walk(automaton, new Random(seed)) is { } text && !ManyDigits().IsMatch(text))
                walks.Add(text);
        }
        return walks;
    }

    private static string? Walk(LazyAutomaton automaton, Random random)
    {
        var bytes = new List<byte>();
        ConstraintState state = automaton.Start;
        while (bytes.Count < Longest && !state.IsFinal)
        {
            if (state.IsComplete && (bytes.Count > 40 || random.Next(3) == 0))
                break;
            byte[] next = [.. Enumerable.Range(0, 256).Select(b => (byte)b)
                .Where(b => !automaton.Step(state, b).IsDead)];
            // structure is more likely than one of the many letters, above all towards the end
            byte[] structure = [.. next.Where(b => "\"]}:".Contains((char)b, StringComparison.Ordinal))];
            if (structure.Length > 0 && random.Next(bytes.Count > 60 ? 50 : 3) != 1)
                next = structure;
            byte chosen = next[random.Next(next.Length)];
            bytes.Add(chosen);
            state = automaton.Step(state, chosen);
        }
        return state.IsComplete ? Encoding.UTF8.GetString([.. bytes]) : null;
    }

    [GeneratedRegex(@"\d[\d.]{15}|[eE][+-]?\d")]
    private static partial Regex ManyDigits();
}
