using System.Diagnostics;
using System.Globalization;
using Atelier.Generation;
using Atelier.Tests.Data;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Tests.Exchange;

/// <summary>
/// What llama.cpp itself makes of exported files. Its folder, with what it builds in build/bin, is given by
/// ATELIER_LLAMA_CPP; without it these tests are skipped.
/// </summary>
public sealed class LlamaCppTests
{
    // llama.cpp rounds what goes into a product to the type of its weights, and looks GELU up in a table of half
    // precision.
    private static readonly Dictionary<string, double> Tolerances = new()
    {
        ["f32"] = 2e-3, ["f16"] = 2e-2, ["bf16"] = 1e-1, ["q8"] = 2e-1, ["q4"] = 2e-1,
    };

    public static TheoryData<string, string, string> Exports
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (string type in Tolerances.Keys)
            {
                data.Add("llama", "bpe", type);
                data.Add("gpt2", "bpe", type);
            }
            foreach (string tokenizer in (string[])["character", "character without bytes", "byte"])
                data.Add("llama", tokenizer, "f32");
            foreach (string shape in (string[])["llama, biases and a tied head", "llama, wide heads", "llama, linear",
                "llama, llama3", "llama, yarn"])
                data.Add(shape, "bpe", "f32");
            data.Add("gpt2, no biases and a head of its own", "character", "f32");
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Exports))]
    public void An_exported_file_gives_the_same_ids_and_logits_in_llama_cpp(string shape, string tokenizer, string type)
    {
        using var folder = new TemporaryFolder();
        using var peer = new LlamaCpp();
        TinyBundles.Write(folder["bundle"], TinyBundles.Shape(shape), TinyBundles.Tokenizer(tokenizer),
            scaling: TinyBundles.Scaling(shape));
        CompareWith(peer, folder["bundle"], folder["model.gguf"], type, TinyBundles.Text);
    }

    [Theory]
    [InlineData("f32")]
    [InlineData("q8")]
    public void A_published_model_gives_the_same_ids_and_logits_in_llama_cpp(string type)
    {
        string model = DataFolder.File("weights", "stories260K", "stories260K.bin");
        using var folder = new TemporaryFolder();
        using var peer = new LlamaCpp();
        new Workshop().Import(model, DataFolder.File("weights", "stories260K", "tok512.bin"), folder["bundle"]);
        string story = File.ReadAllText(DataFolder.File("weights", "stories260K", "expected-greedy-200.txt"));
        CompareWith(peer, folder["bundle"], folder["model.gguf"], type, story[..300] + " Ünïcode, 好, and <s> too.");
    }

    [Fact]
    public void Gpt2s_own_vocabulary_gives_the_same_ids_in_llama_cpp()
    {
        BpeTokenizer tokenizer = BpeTokenizer.FromGpt2(DataFolder.File("weights", "gpt2", "encoder.json"),
            DataFolder.File("weights", "gpt2", "vocab.bpe"));
        using var folder = new TemporaryFolder();
        using var peer = new LlamaCpp();
        TinyBundles.Write(folder["bundle"], TinyBundles.Gpt2 with { LayerCount = 1, ContextLength = 64 }, tokenizer);
        new Workshop().Export(folder["bundle"], "gguf", folder["model.gguf"], "q8");
        string[] texts = File.ReadAllText(DataFolder.File("weights", "gguf-vocab", "ggml-vocab-gpt-2.gguf.inp"))
            .Split("\n__ggml_vocab_test__\n");
        foreach (string text in texts.Where(t => tokenizer.Encode(t).Length is > 3 and < 60))
            peer.Run(folder["model.gguf"], text).Ids.ShouldBe([50256, .. tokenizer.Encode(text)], text);
    }

    [Theory]
    [InlineData(WordSplit.Llama3)]
    [InlineData(WordSplit.Qwen2)]
    public void Other_rules_for_words_give_the_same_ids_in_llama_cpp(WordSplit split)
    {
        string path = Path.GetTempFileName();
        using var folder = new TemporaryFolder();
        using var peer = new LlamaCpp();
        try
        {
            const string rules =
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}NUMBERS| "
                    + "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+";
            TinyBundles.Tokenizer("bpe").Save(path);
            string rule =
                rules.Replace("NUMBERS", split == WordSplit.Llama3 ? "{1,3}" : "", StringComparison.Ordinal);
            string step = $$"""
                {"type":"Sequence","pretokenizers":[
                 {"type":"Split","pattern":{"Regex":"{{rule}}"},"behavior":"Isolated","invert":false},
                 {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
                """;
            var root = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            root["pre_tokenizer"] = System.Text.Json.Nodes.JsonNode.Parse(step);
            root["model"]!["ignore_merges"] = split == WordSplit.Llama3;
            File.WriteAllText(path, root.ToJsonString());
            TinyBundles.Write(folder["bundle"], TinyBundles.Llama, TokenizerFile.Load(path));
        }
        finally
        {
            File.Delete(path);
        }
        CompareWith(peer, folder["bundle"], folder["model.gguf"], "f32",
            TinyBundles.Text + "WE'RE 1234567, I'LL\r\n\r\n  go   on");
    }

    private static void CompareWith(LlamaCpp peer, string bundle, string gguf, string type, string text)
    {
        new Workshop().Export(bundle, "gguf", gguf, type);
        (int[] ids, float[][] theirs) = peer.Run(gguf, text);
        // What went out comes back: quantised weights are compared with themselves, not with what they were made from.
        string back = gguf + " back";
        new Workshop().Import(gguf, null, back);
        using var generator = TinyBundles.OpenForTraining(back);
        int[] own = [generator.StartId, .. generator.Tokenizer.Encode(text)];
        ids.ShouldBe(own);
        using (var original = TinyBundles.OpenForTraining(bundle))
            ids.ShouldBe([original.StartId, .. original.Tokenizer.Encode(text)]);

        float[][] ours = TinyBundles.Logits(generator.Model, own);
        double spread = ours.Average(row => StandardDeviation(row)), worst = 0;
        for (int i = 0; i < ours.Length; i++)
        {
            for (int v = 0; v < ours[i].Length; v++)
                worst = Math.Max(worst, Math.Abs(ours[i][v] - theirs[i][v]) / spread);
        }
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{type}: logits of standard deviation {spread:0.00} differ by at most {worst:0.00000} of it");
        worst.ShouldBeLessThan(Tolerances[type]);
    }

    private static double StandardDeviation(float[] row)
    {
        double mean = row.Average(v => (double)v);
        return Math.Sqrt(row.Average(v => (v - mean) * (v - mean)));
    }

    /// <summary>benchmarks/peers/llama_logits.cpp, built against the folder's sources and libraries.</summary>
    private sealed class LlamaCpp : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public LlamaCpp()
        {
            string? root = Environment.GetEnvironmentVariable("ATELIER_LLAMA_CPP");
            Assert.SkipWhen(string.IsNullOrEmpty(root), "ATELIER_LLAMA_CPP does not name a folder of llama.cpp");
            string libraries = Path.Combine(root!, "build", "bin");
            Assert.SkipUnless(Directory.Exists(libraries), $"{libraries} is not there: build llama.cpp");
            Start("g++", "", ["-O1", "-I", Path.Combine(root!, "include"), "-I", Path.Combine(root!, "ggml", "include"),
                Path.Combine(Repository.Folder, "benchmarks", "peers", "llama_logits.cpp"), "-L", libraries, "-lllama",
                    "-lggml", "-lggml-base",
                $"-Wl,-rpath,{libraries}", "-o", _folder["llama_logits"]]);
        }

        public (int[] Ids, float[][] Logits) Run(string gguf, string text)
        {
            string[] lines = Start(_folder["llama_logits"], text, [gguf]).TrimEnd('\n').Split('\n');
            float[][] logits = [.. lines.Skip(1)
                .Select(line => line.Split(' ').Select(v => float.Parse(v, CultureInfo.InvariantCulture)).ToArray())];
            return ([.. lines[0].Split(' ').Select(int.Parse)], logits);
        }

        public void Dispose() => _folder.Dispose();

        private static string Start(string program, string input, string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
                    RedirectStandardError = true,
                StandardInputEncoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            })!;
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            process.ExitCode.ShouldBe(0, errors.Result);
            return output;
        }
    }
}
