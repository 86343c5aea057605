using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>
/// Hugging Face's own tokenizers for JavaScript read the files that we write and give the same ids. ATELIER_TOKENIZERS
/// names the folder of the npm package @huggingface/tokenizers; Node runs benchmarks/peers/tokenizers.mjs.
/// </summary>
public sealed class PeerTokenizerTests : IDisposable
{
    private const int TextsPerScript = 500;
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("bpe")]
    [InlineData("wordpiece")]
    [InlineData("wordpiece-cased")]
    [InlineData("unigram")]
    public void Another_program_reads_what_is_written_and_gives_the_same_ids_of_2000_texts_in_four_scripts(string kind)
    {
        string? package = Environment.GetEnvironmentVariable("ATELIER_TOKENIZERS");
        Assert.SkipWhen(string.IsNullOrEmpty(package), "ATELIER_TOKENIZERS is not set");
        string[] chinese = [.. File.ReadLines(DataFolder.File("translation-en-zh", "cmn.txt"))
            .Select(line => line.Split('\t')[1])];
        string[] latin = [.. Lines("train.lc.norm.tok.de.gz").Zip(Lines("train.lc.norm.tok.en.gz"),
            (german, english) => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(german) + ' ' + english)];
        string[] cyrillic = Made("абвгдежзийклмнопрстуфхцчшщъыьэюяёАБВГ", 1),
            arabic = Made("ابتثجحخدذرزسشصضطظعغفقكلمنهوي\u064b\u064e\u0651٣٤", 2);
        string[][] scripts = [latin, chinese, cyrillic, arabic];
        IEnumerable<string> training = scripts.SelectMany(texts => texts.Skip(TextsPerScript).Take(8000));
        Tokenizer tokenizer = kind switch
        {
            "bpe" => BpeTokenizer.Train(training, 6000),
            "unigram" => UnigramTokenizer.Train(training, 6000, sentinels: 10),
            _ => WordPieceTokenizer.Train(training, 6000, lowerCase: kind == "wordpiece"),
        };
        string path = Path.Combine(_folder, "tokenizer.json"), ids = Path.Combine(_folder, "ids.jsonl");
        tokenizer.Save(path);
        File.WriteAllLines(ids, scripts.SelectMany(texts => texts.Take(TextsPerScript)).Select(text =>
            JsonSerializer.Serialize(new { text, ids = tokenizer.EncodeWithSpecials(text).Ids })));

        string output = Peer.Run("node", Peer.Script("tokenizers.mjs"), package!, path, ids);
        TestContext.Current.SendDiagnosticMessage($"{kind}: {output}");
        output.Trim().ShouldBe("""{"texts":2000,"equal":2000,"differing":[]}""");
    }

    private static IEnumerable<string> Lines(string name)
    {
        using var stream = new GZipStream(File.OpenRead(DataFolder.File("multi30k", name)), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    /// <summary>Makes texts of words of random letters, with numbers, punctuation and double spaces.</summary>
    private static string[] Made(string letters, int seed)
    {
        var random = new Random(seed);
        string Word() => string.Concat(Enumerable.Range(0, random.Next(1, 8))
            .Select(_ => letters[(int)(letters.Length * Math.Pow(random.NextDouble(), 2))]));
        string[] words = [.. Enumerable.Range(0, 3000).Select(_ => Word())];
        string[] others = [",", ".", "  ", "!", "«", "»", "12", "2026", "(", ")", "؟", "-"];
        return [.. Enumerable.Range(0, 4000).Select(_ =>
        {
            var text = new StringBuilder();
            for (int i = random.Next(2, 15); i >= 0; i--)
            {
                text.Append(random.Next(6) == 0 ? others[random.Next(others.Length)]
                    : random.Next(8) == 0 ? Word() : words[(int)(3000 * Math.Pow(random.NextDouble(), 3))]);
                text.Append(random.Next(8) == 0 ? "" : " ");
            }
            return text.ToString().Trim();
        })];
    }
}
