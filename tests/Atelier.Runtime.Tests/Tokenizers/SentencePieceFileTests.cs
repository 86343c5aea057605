using System.Text;
using System.Text.Json.Nodes;
using Atelier.Runtime.Tests.Formats;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>
/// Small models that sentencepiece 0.1.97 trained, with its own ids and texts, which
/// benchmarks/peers/sentencepiece_golden.py makes.
/// </summary>
public sealed class SentencePieceFileTests : IDisposable
{
    // ATELIER_SENTENCEPIECE names a file of the same form with more texts.
    private static readonly Lazy<JsonNode> Golden = new(() =>
        Environment.GetEnvironmentVariable("ATELIER_SENTENCEPIECE") is { Length: > 0 } more
            ? JsonNode.Parse(File.ReadAllText(more))!
            : TokenizerFeatureTests.Golden("sentencepiece.json.gz"));

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public static TheoryData<string> Names =>
        [.. Golden.Value["models"]!.AsArray().Select(one => (string)one!["name"]!)];

    private string ModelPath => Path.Combine(_folder, "tokenizer.model");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_model_gives_the_ids_and_texts_of_SentencePiece(string name)
    {
        JsonNode one = Model(name);
        Tokenizer tokenizer = TokenizerFile.LoadFolder(_folder);
        tokenizer.Save(Path.Combine(_folder, "tokenizer.json"));
        Tokenizer again = TokenizerFile.Load(Path.Combine(_folder, "tokenizer.json"));
        Dictionary<int, double> scores = Scores();
        List<string> differing = [];
        int ties = 0;
        foreach ((int i, JsonNode? text) in Golden.Value["texts"]!.AsArray().Index())
        {
            if (one["ids"]![i] is not JsonArray list)
                continue;
            int[] theirs = [.. list.Select(id => (int)id!)], ours = tokenizer.Encode((string)text!);
            again.Encode((string)text!).ShouldBe(ours);
            if (!ours.SequenceEqual(theirs) && IsTie(ours, theirs))
                ties++;
            else if (!ours.SequenceEqual(theirs))
                differing.Add($"'{text}' is {string.Join(' ', ours)}, not {string.Join(' ', theirs)}");
            if ((string?)one["decoded"]![i] is { } decoded && tokenizer.DecodeText(theirs) != decoded)
                differing.Add($"'{text}' is decoded as '{tokenizer.DecodeText(theirs)}', not '{decoded}'");
        }
        differing.ShouldBeEmpty();
        ties.ShouldBeLessThan(Golden.Value["texts"]!.AsArray().Count / 10);

        // Of divisions with the same probability, SentencePiece's rounding to single precision chooses.
        bool IsTie(int[] ours, int[] theirs) => scores.Count > 0
            && Math.Abs(ours.Sum(id => scores[id]) - theirs.Sum(id => scores[id])) < 1e-4;
    }

    [Fact]
    public void Ten_thousand_spoiled_files_give_one_clear_line_or_a_tokenizer()
    {
        byte[] good = Small();
        File.WriteAllBytes(ModelPath, good);
        TokenizerFile.Load(ModelPath).Encode("ab b").Length.ShouldBe(2);
        Mutations.Try(10_000, good, ModelPath, isJson: false, () => _ = TokenizerFile.Load(ModelPath).VocabularySize)
            .ShouldBeGreaterThan(3000);
    }

    [Theory]
    [InlineData(new byte[] { 0x0A, 0x05, 0x0A, 0x03, (byte)'a' }, "longer than")]
    [InlineData(new byte[] { 0x0A, 0x03, 0x0A, 0x01, (byte)'a' }, "no piece stands for unknown text")]
    [InlineData(new byte[] { 0x0F }, "unknown type 7")]
    [InlineData(new byte[] { 0x0A, 0x07, 0x0A, 0x01, (byte)'u', 0x18, 0x02, 0x18, 0x02, 0x12, 0x02, 0x18, 0x03 },
        "its model_type is 3")]
    public void What_is_not_read_is_refused_by_name(byte[] bytes, string named)
    {
        File.WriteAllBytes(ModelPath, bytes);
        Should.Throw<AtelierException>(() => TokenizerFile.Load(ModelPath)).ToLine().ShouldContain(named);
    }

    /// <summary>Returns a unigram model of a few pieces, field by field.</summary>
    private static byte[] Small()
    {
        List<byte> bytes = [];
        foreach ((string name, float score, byte kind) in ((string, float, byte)[])
            [
                ("<unk>", 0, 2), ("<s>", 0, 3), ("▁", -3, 1), ("a", -4, 1), ("b", -4, 1), ("▁ab", -3, 1),
                ("▁b", -3.5f, 1),
            ])
        {
            byte[] text = Encoding.UTF8.GetBytes(name);
            bytes.AddRange([0x0A, (byte)(text.Length + 9), 0x0A, (byte)text.Length, .. text, 0x15,
                .. BitConverter.GetBytes(score), 0x18, kind]);
        }
        return [.. bytes, 0x12, 2, 0x18, 1, 0x1A, 4, 0x18, 1, 0x20, 1];
    }

    /// <summary>Returns the scores of a unigram model that was saved.</summary>
    private Dictionary<int, double> Scores()
    {
        JsonNode model = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "tokenizer.json")))!["model"]!;
        return (string)model["type"]! != "Unigram" ? [] : model["vocab"]!.AsArray().Index()
            .ToDictionary(piece => piece.Index, piece => (double)piece.Item![1]!);
    }

    private JsonNode Model(string name)
    {
        JsonNode one = Golden.Value["models"]!.AsArray().First(one => (string)one!["name"]! == name)!;
        File.WriteAllBytes(ModelPath, Convert.FromBase64String((string)one["model"]!));
        return one;
    }
}
