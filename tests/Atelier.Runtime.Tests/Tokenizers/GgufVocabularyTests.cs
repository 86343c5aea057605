using System.Text;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>
/// llama.cpp's own vocabularies (models/ggml-vocab-*.gguf) and the inputs with their ids beside them.
/// ATELIER_GGUF_VOCAB names their folder; without it, it is weights/gguf-vocab of the data folder.
/// </summary>
public sealed class GgufVocabularyTests
{
    [Fact]
    public void Every_input_of_llama_cpps_vocabularies_has_its_ids()
    {
        string? named = Environment.GetEnvironmentVariable("ATELIER_GGUF_VOCAB");
        string folder = string.IsNullOrEmpty(named)
            ? Path.GetDirectoryName(DataFolder.File("weights", "gguf-vocab", "ggml-vocab-gpt-2.gguf"))!
            : named;
        List<string> differing = [];
        foreach (string path in Directory.GetFiles(folder, "*.gguf").Where(path => File.Exists(path + ".out"))
            .Order(StringComparer.Ordinal))
        {
            string[] texts = File.ReadAllText(path + ".inp").Split("\n__ggml_vocab_test__\n");
            string[] ids = [.. File.ReadLines(path + ".out").Select(line => line.Trim())];
            using GgufFile file = GgufFile.Open(path);
            Tokenizer tokenizer = GgufTokenizer.Read(file).Tokenizer;
            int before = differing.Count;
            differing.AddRange(texts.Zip(ids)
                .Select(pair => (Text: pair.First, Theirs: pair.Second,
                    Ours: string.Join(' ', tokenizer.Encode(pair.First))))
                .Where(one => one.Ours != one.Theirs)
                .Select(one => $"{Path.GetFileName(path)}: '{one.Text}' is {one.Ours}, not {one.Theirs}"));
            TestContext.Current.SendDiagnosticMessage(
                $"{Path.GetFileName(path)}: {Math.Min(texts.Length, ids.Length)} inputs, "
                + $"{differing.Count - before} differ");
        }
        differing.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_pre_tokenizer_of_llama_cpp_opens_and_its_texts_come_back(string name)
    {
        const string text = "It's  CaféS 12345678\r\n\n\t你好。안녕 «ёж»… नमस्ते e\u0301 <sentinel:3>IMGIMGABZ  ";
        Tokenizer tokenizer = Small(name);
        tokenizer.DecodeText(tokenizer.Encode(text)).ShouldBe(text);
    }

    [Theory]
    [InlineData("gpt-2", "ab 12345", "ab| 12345")]
    [InlineData("smollm", "ab 123", "ab| |1|2|3")]
    [InlineData("llama-bpe", "1234567\n\n x", "123|456|7|\n\n| x")]
    [InlineData("superbpe", "x1234567 12", "x|1|234|567| |12")]
    [InlineData("afmoe", "1234567", "1|234|567")]
    [InlineData("tiny_aya", "1234567", "1|234|567")]
    [InlineData("falcon", "1234567 a.", "123|456|7| a|.")]
    [InlineData("deepseek-coder", "ab 12", "ab| |1|2")]
    [InlineData("kimi-k2", "ab世界cd", "ab|世界|cd")]
    [InlineData("gpt-4o", "camelCase 1234", "camel|Case| |123|4")]
    [InlineData("poro-chat", "a, b", "a|,| b")]
    [InlineData("jais-2", "a\t \v\f\u00a0\u2003b", "a|\t \v\f|\u00a0|\u2003b")]
    public void Words_end_where_the_rules_say(string name, string text, string words)
    {
        // With merges of all that the text has, a word is one token.
        string[] expected = words.Split('|', StringSplitOptions.RemoveEmptyEntries);
        Tokenizer tokenizer = Small(name, text);
        tokenizer.Encode(text).Select(id => tokenizer.DecodeText([id])).ShouldBe(expected);
    }

    [Fact]
    public void The_tokenizer_json_of_every_pre_tokenizer_gives_the_ids_of_Hugging_Faces_library()
    {
        string? package = Environment.GetEnvironmentVariable("ATELIER_TOKENIZERS_RUST");
        Assert.SkipWhen(string.IsNullOrEmpty(package), "ATELIER_TOKENIZERS_RUST is not set");
        string folder = Directory.CreateTempSubdirectory("atelier-").FullName;
        try
        {
            string[] names = [.. GgufPreTokenizer.All.Where(one => one.Split is null).Select(one => one.Name)];
            string[] files = [.. names.Select(name => Path.Combine(folder, name + ".json"))];
            Tokenizer[] tokenizers = [.. names.Select(name => Small(name))];
            foreach ((string file, Tokenizer tokenizer) in files.Zip(tokenizers))
                tokenizer.Save(file);
            JsonNode golden = TokenizerFeatureTests.Run("tokenizer_ids.mjs", [package!, "300", .. files]);
            List<string> differing = [];
            foreach ((int i, JsonNode? text) in golden["texts"]!.AsArray().Index())
            {
                for (int at = 0; at < files.Length; at++)
                {
                    string theirs = string.Join(' ', golden["ids"]![at]![i]!.AsArray().Select(id => (int)id!));
                    string ours = string.Join(' ', tokenizers[at].Encode((string)text!));
                    if (ours != theirs)
                        differing.Add($"{names[at]}: '{text}' is {ours}, not {theirs}");
                }
            }
            differing.ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public static TheoryData<string> Names => [.. GgufPreTokenizer.All.Select(one => one.Name)];

    /// <summary>Reads a file with the bytes, and with merges of everything that a text has.</summary>
    private static Tokenizer Small(string name, string text = "the 123 привет  世界")
    {
        GgufPreTokenizer rules = GgufPreTokenizer.Find(name)!;
        string[] letters = [.. Enumerable.Range(0, 256).Select(value => rules.IsByteLevel
            ? TokenTable.ByteLevelName([(byte)value])
            : TokenTable.FallbackName(value))];
        string shown = rules.IsByteLevel ? TokenTable.ByteLevelName(Encoding.UTF8.GetBytes(text))
            : text.Replace(' ', '▁');
        string[] singles = [.. letters, .. rules.IsByteLevel ? [] : shown.EnumerateRunes().Select(one => $"{one}")];
        // A word is merged from left to right, each of its beginnings with the next letter, before those after it.
        var merges = new List<(string Left, string Right)>();
        for (int from = 0; from < shown.Length; from++)
        {
            for (int length = 1; from + length < shown.Length; length++)
                merges.Add((shown.Substring(from, length), shown.Substring(from + length, 1)));
        }
        string[] names = [.. singles.Concat(merges.SelectMany(pair => new[] { pair.Left, pair.Left + pair.Right }))
            .Distinct()];
        var metadata = new GgufMetadata("llama");
        metadata.Add("tokenizer.ggml.model", "gpt2");
        metadata.Add("tokenizer.ggml.pre", name);
        metadata.Add("tokenizer.ggml.tokens", names);
        metadata.Add("tokenizer.ggml.merges", [.. merges.Distinct().Select(pair => $"{pair.Left} {pair.Right}")]);
        string path = Path.GetTempFileName();
        try
        {
            GgufWriter.Write(path, metadata, [], (_, _) => { });
            using GgufFile file = GgufFile.Open(path);
            return GgufTokenizer.Read(file).Tokenizer;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
