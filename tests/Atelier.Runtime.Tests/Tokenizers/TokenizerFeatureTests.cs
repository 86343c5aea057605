using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>
/// Small tokenizers, one a feature of tokenizer.json, with the ids and texts of Hugging Face's tokenizers library 0.23
/// (Rust), which benchmarks/peers/tokenizer_features.mjs makes.
/// </summary>
public sealed class TokenizerFeatureTests : IDisposable
{
    private static readonly Lazy<JsonNode> Own = new(() => Golden("tokenizers.json.gz"));

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public static TheoryData<string> Names =>
        [.. Own.Value["tokenizers"]!.AsArray().Select(one => (string)one!["name"]!)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_feature_of_tokenizer_json_gives_the_ids_and_texts_of_its_own_library(string name)
    {
        JsonNode one = Own.Value["tokenizers"]!.AsArray().First(one => (string)one!["name"]! == name)!;
        Differing(Own.Value, one).ShouldBeEmpty();
    }

    [Fact]
    public void Every_feature_gives_the_ids_and_texts_of_300_texts()
    {
        string? package = Environment.GetEnvironmentVariable("ATELIER_TOKENIZERS_RUST");
        Assert.SkipWhen(string.IsNullOrEmpty(package), "ATELIER_TOKENIZERS_RUST is not set");
        JsonNode golden = Run("tokenizer_features.mjs", package!, "300");
        golden["texts"]!.AsArray().Count.ShouldBe(300);
        JsonArray tokenizers = golden["tokenizers"]!.AsArray();
        string[] differing = [.. tokenizers.SelectMany(one => Differing(golden, one!))];
        TestContext.Current.SendDiagnosticMessage($"{tokenizers.Count} tokenizers, {differing.Length} differ");
        differing.ShouldBeEmpty();
    }

    /// <summary>Returns what a script of benchmarks/peers prints.</summary>
    internal static JsonNode Run(string script, params string[] arguments) =>
        JsonNode.Parse(Peer.Run("node", [Peer.Script(script), .. arguments]))!;

    /// <summary>Returns a line for each text whose ids or decoded text differ.</summary>
    private List<string> Differing(JsonNode golden, JsonNode one)
    {
        JsonObject file = one["tokenizer"]!.DeepClone().AsObject();
        foreach ((string key, JsonNode? part) in golden["vocabularies"]![(string)one["vocabulary"]!]!.AsObject())
            file["model"]![key] = part!.DeepClone();
        string path = Path.Combine(_folder, "tokenizer.json"), again = Path.Combine(_folder, "again.json");
        File.WriteAllText(path, file.ToJsonString());
        TokenizerFile.Load(path).Save(again);
        Tokenizer tokenizer = TokenizerFile.Load(again);
        List<string> differing = [];
        foreach ((int i, JsonNode? text) in golden["texts"]!.AsArray().Index())
        {
            int[] ids = [.. tokenizer.EncodeWithSpecials((string)text!, readsSpecials: true).Ids];
            int[] theirs = [.. one["ids"]![i]!.AsArray().Select(id => (int)id!)];
            string decoded = tokenizer.DecodeText(theirs), expected = (string)one["decoded"]![i]!;
            if (!ids.SequenceEqual(theirs))
                differing.Add($"{one["name"]}: '{text}' is {string.Join(' ', ids)}, not {string.Join(' ', theirs)}");
            if (decoded != expected)
                differing.Add($"{one["name"]}: '{text}' is decoded as '{decoded}', not '{expected}'");
        }
        return differing;
    }

    /// <summary>Reads a compressed file of golden values.</summary>
    internal static JsonNode Golden(string name)
    {
        using var stream = new GZipStream(
            File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Golden", name)), CompressionMode.Decompress);
        return JsonNode.Parse(stream)!;
    }
}
