using System.Text;
using System.Text.Json;
using Atelier.Formats;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Runtime.Tests.Tokenizers;

public sealed class TokenizerTests : IDisposable
{
    private const string Sample =
        "Once upon a time there was a fox. It's 12 o'clock, isn't it?\n\n从前有一只狐狸,它住在山里。  The end 🦊!";
    private static readonly string[] Awkward =
        ["fox ", "狐狸", "🦊", "\ud83e", "\udd8a", "\0", "\n\n", "  ", "'s", "é", "<|endoftext|>", "<0x41>", "\u00a0"];

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public static TheoryData<string> Kinds => ["character", "byte", "bpe"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Any_string_round_trips_lone_surrogates_included(string kind)
    {
        Tokenizer tokenizer = Make(kind);
        Gen<string> text = Gen.OneOf(
            Gen.Char.Array[0, 40].Select(c => new string(c)),
            Gen.Int[0, Awkward.Length - 1].Array[0, 12].Select(picks => string.Concat(picks.Select(i => Awkward[i]))));
        text.Sample(t => tokenizer.Decode(tokenizer.Encode(t)) == t, iter: 1000);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_saved_tokenizer_loads_as_the_same(string kind)
    {
        Tokenizer tokenizer = Make(kind);
        string path = Path.Combine(_folder, "tokenizer.json");
        tokenizer.Save(path);
        Tokenizer loaded = TokenizerFile.Load(path);
        loaded.Kind.ShouldBe(kind);
        loaded.VocabularySize.ShouldBe(tokenizer.VocabularySize);
        loaded.EndOfTextId.ShouldBe(tokenizer.EndOfTextId);
        string text = Sample + "ünknown \ud800 𝔘";
        loaded.Encode(text).ShouldBe(tokenizer.Encode(text));
        loaded.Decode(loaded.Encode(text)).ShouldBe(text);
    }

    [Fact]
    public void Streaming_gives_the_same_text_and_never_half_a_character()
    {
        var tokenizer = new ByteTokenizer();
        var stream = new TextStream(tokenizer);
        var pieces = tokenizer.Encode("狐🦊x").Select(stream.Add).Append(stream.Finish()).ToList();
        string.Concat(pieces).ShouldBe("狐🦊x");
        pieces.ShouldAllBe(p => !p.Contains('\uFFFD'));
        tokenizer.Decode([0xE7, 0x8B]).ShouldBe("\uFFFD");
    }

    [Fact]
    public void Without_fallback_an_unknown_character_is_named()
    {
        CharacterTokenizer tokenizer = CharacterTokenizer.Train(["abc"], byteFallback: false);
        tokenizer.VocabularySize.ShouldBe(4);
        tokenizer.Encode("cab").ShouldBe([3, 1, 2]);
        Should.Throw<AtelierException>(() => tokenizer.Encode("abé")).Message.ShouldContain("'é' (U+00E9)");
    }

    [Fact]
    public void Bpe_learns_the_merges_of_a_plain_count()
    {
        // By hand: "aab" thrice and "ab" once: a+b 4 times, then a+ab 3 times.
        BpeTokenizer tokenizer = BpeTokenizer.Train(["aab", "aab", "aab", "ab"], 259);
        tokenizer.Name(256).ShouldBe("ab");
        tokenizer.Name(257).ShouldBe("aab");
        tokenizer.Encode("aabab").ShouldBe([257, 256]);
    }

    [Fact]
    public void Bpe_training_agrees_with_recounting_everything_after_each_merge()
    {
        var random = new Random(3);
        string text = string.Concat(Enumerable.Range(0, 400).Select(_ => "abcab "[random.Next(6)]));
        BpeTokenizer tokenizer = BpeTokenizer.Train([text], 257 + 25, threads: 1);
        string[] learned = [.. Enumerable.Range(256, 25).Select(id => tokenizer.Name(id))];
        learned.ShouldBe(SlowMerges(text, 25));
    }

    [Fact]
    public void Bpe_training_does_not_depend_on_threads()
    {
        string[] documents = [.. Enumerable.Range(0, 300).Select(i => $"{Sample} {i} {i * i}")];
        string one = Path.Combine(_folder, "1.json"), four = Path.Combine(_folder, "4.json");
        BpeTokenizer.Train(documents, 700, threads: 1).Save(one);
        BpeTokenizer.Train(documents, 700, threads: 4).Save(four);
        File.ReadAllText(four).ShouldBe(File.ReadAllText(one));
    }

    [Fact]
    public void Gpt2s_vocabulary_gives_the_published_ids()
    {
        BpeTokenizer tokenizer = BpeTokenizer.FromGpt2(DataFolder.File("weights", "gpt2", "encoder.json"),
            DataFolder.File("weights", "gpt2", "vocab.bpe"));
        tokenizer.VocabularySize.ShouldBe(50257);
        tokenizer.EndOfTextId.ShouldBe(50256);
        tokenizer.Encode("Hello world").ShouldBe([15496, 995]);
        GoldenTexts(tokenizer);
        string path = Path.Combine(_folder, "gpt2.json");
        tokenizer.Save(path);
        GoldenTexts(TokenizerFile.Load(path));
    }

    [Fact]
    public void The_gguf_vocabulary_gives_the_published_ids()
    {
        using GgufFile file = GgufFile.Open(DataFolder.File("weights", "gguf-vocab", "ggml-vocab-gpt-2.gguf"));
        (Tokenizer tokenizer, (int start, IReadOnlyList<int> ends, bool startsPrompts)) = GgufTokenizer.Read(file);
        GoldenTexts(tokenizer);
        ends.ShouldBe([50256]);
        startsPrompts.ShouldBeFalse(); // as llama.cpp begins texts of this kind where the file does not say
        (start, tokenizer.EndOfTextId).ShouldBe((50256, 50256));
    }

    [Fact]
    public void Llama2cs_tokenizer_reads_saves_and_round_trips()
    {
        SentencePieceTokenizer tokenizer =
            SentencePieceTokenizer.FromLlama2C(DataFolder.File("weights", "stories260K", "tok512.bin"));
        tokenizer.VocabularySize.ShouldBe(512);
        tokenizer.BeginId.ShouldBe(1);
        string text = File.ReadAllText(DataFolder.File("weights", "stories260K", "expected-greedy-200.txt"));
        int[] ids = tokenizer.Encode(text);
        ids.Length.ShouldBeLessThan(text.Length / 2);
        tokenizer.Decode(ids).ShouldBe(text);
        tokenizer.Decode(tokenizer.Encode(Sample)).ShouldBe(Sample);
        string path = Path.Combine(_folder, "t.json");
        tokenizer.Save(path);
        TokenizerFile.Load(path).Encode(text).ShouldBe(ids);
    }

    [Fact]
    public void A_damaged_tokenizer_gives_one_clear_error()
    {
        string path = Path.Combine(_folder, "t.json");
        BpeTokenizer.Train([Sample, Sample], 300).Save(path);
        byte[] good = File.ReadAllBytes(path);
        var random = new Random(1);
        int refused = 0;
        for (int i = 0; i < 120; i++)
        {
            byte[] bad = i % 2 == 0 ? good[..random.Next(good.Length)] : (byte[])good.Clone();
            if (i % 2 == 1)
                bad[random.Next(bad.Length)] ^= 0x15;
            File.WriteAllBytes(path, bad);
            try
            {
                TokenizerFile.Load(path);
            }
            catch (AtelierException e)
            {
                e.Where.ShouldBe(path);
                refused++;
            }
        }
        refused.ShouldBeGreaterThan(60);
        Should.Throw<AtelierException>(() =>
            TokenizerFile.Load(Path.Combine(_folder, "none.json"))).Message.ShouldBe("no such file");
    }

    [Theory]
    [InlineData("weights/gguf-vocab/ggml-vocab-gpt-2.gguf")]
    [InlineData("weights/stories260K/stories260K.bin")]
    [InlineData("weights/stories260K/tok512.bin")]
    public void A_damaged_model_file_gives_one_clear_error_or_a_readable_file(string name)
    {
        byte[] good = File.ReadAllBytes(DataFolder.File(name.Split('/')));
        string path = Path.Combine(_folder, "bad");
        var random = new Random(2);
        int refused = 0;
        for (int i = 0; i < 30; i++)
        {
            byte[] bad = i % 2 == 0 ? good[..random.Next(good.Length)] : (byte[])good.Clone();
            if (i % 2 == 1)
                bad[random.Next(Math.Min(bad.Length, 400))] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, bad);
            try
            {
                _ = name.EndsWith("gguf", StringComparison.Ordinal) ? OpenGguf(path)
                    : name.Contains("tok", StringComparison.Ordinal)
                        ? SentencePieceTokenizer.FromLlama2C(path).VocabularySize
                    : OpenLlama2C(path);
            }
            catch (AtelierException e)
            {
                e.Where.ShouldBe(path);
                refused++;
            }
        }
        refused.ShouldBeGreaterThan(12);
    }

    [Fact]
    public void Stories260K_has_the_published_sizes()
    {
        using Llama2CFile file = Llama2CFile.Open(DataFolder.File("weights", "stories260K", "stories260K.bin"));
        file.Sizes.ShouldBe(new Llama2CSizes(64, 172, 5, 8, 4, 512, 512, TieHead: true));
        file.Tensors.Count.ShouldBe(2 + 5 * 9);
        file.Tensors.Single(t => t.Name == "model.norm.weight").Shape.ShouldBe([64L]);
    }

    private static int OpenLlama2C(string path)
    {
        using Llama2CFile file = Llama2CFile.Open(path);
        return file.Sizes.LayerCount;
    }

    private static int OpenGguf(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        return GgufTokenizer.Read(file).Tokenizer.VocabularySize;
    }

    private static void GoldenTexts(Tokenizer tokenizer)
    {
        string[] texts = File.ReadAllText(DataFolder.File("weights", "gguf-vocab", "ggml-vocab-gpt-2.gguf.inp"))
            .Split("\n__ggml_vocab_test__\n");
        string[] lines = File.ReadAllText(DataFolder.File("weights", "gguf-vocab", "ggml-vocab-gpt-2.gguf.out"))
            .Split('\n');
        texts.Length.ShouldBeGreaterThan(30);
        for (int i = 0; i < texts.Length; i++)
        {
            int[] expected = [.. lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
            tokenizer.Encode(texts[i]).ShouldBe(expected, texts[i]);
            tokenizer.Decode(expected).ShouldBe(texts[i]);
        }
    }

    private static Tokenizer Make(string kind) => kind switch
    {
        "character" => CharacterTokenizer.Train([Sample], byteFallback: true),
        "byte" => new ByteTokenizer(),
        _ => BpeTokenizer.Train([Sample, Sample, Sample], 320),
    };

    private static List<string> SlowMerges(string text, int count)
    {
        // Sennrich et al. 2016, algorithm 1, as it stands: count all pairs, join the most frequent, begin again.
        var words = System.Text.RegularExpressions.Regex.Matches(text, @" ?[a-z]+|\s+(?!\S)|\s+")
            .Select(m => m.Value.Replace(' ', 'Ġ').Select(c => c.ToString()).ToList()).ToList();
        var ids = new Dictionary<string, int>();
        foreach (string token in words.SelectMany(w => w).Distinct())
            ids[token] = token == "Ġ" ? ' ' : token[0];
        var learned = new List<string>();
        while (learned.Count < count)
        {
            (string Left, string Right) best = words.SelectMany(w => w.Zip(w.Skip(1))).GroupBy(p => p)
                .OrderByDescending(g => g.Count()).ThenBy(g => ids[g.Key.First]).ThenBy(g => ids[g.Key.Second])
                    .First().Key;
            foreach (List<string> word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] == best.Left && word[i + 1] == best.Right)
                    {
                        word[i] = best.Left + best.Right;
                        word.RemoveAt(i + 1);
                    }
                }
            }
            ids[best.Left + best.Right] = 256 + learned.Count;
            learned.Add(best.Left + best.Right);
        }
        return learned;
    }
}
