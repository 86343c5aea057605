using System.Text.Json;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Runtime.Tests.Tokenizers;

public sealed class WordPieceTests : IDisposable
{
    private static readonly string[] Texts =
    [
        "The quick brown fox jumps over the lazy dog.", "A fox, quicker than the dogs! Is it?",
        "Déjà vu in the fox's den; jumping and jumped.", "从前有一只狐狸,它住在山里。", "Лиса и собака живут в лесу.",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    private string TokenizerPath => Path.Combine(_folder, "tokenizer.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Berts_vocabulary_gives_the_published_ids_of_2000_texts_also_after_saving()
    {
        WordPieceTokenizer tokenizer =
            WordPieceTokenizer.FromVocabulary(DataFolder.File("weights", "bert", "vocab.txt"));
        tokenizer.Save(TokenizerPath);
        Tokenizer loaded = TokenizerFile.Load(TokenizerPath);
        string[] lines = File.ReadAllLines(DataFolder.File("weights", "bert", "golden-tokens.jsonl"));
        lines.Length.ShouldBe(2000);
        foreach (string line in lines)
        {
            (string text, int[] ids) = Golden(line);
            tokenizer.Encode(text).ShouldBe(ids, text);
            loaded.Encode(text).ShouldBe(ids, text);
        }
    }

    [Fact]
    public void The_folder_of_a_published_encoder_gives_the_published_ids_with_special_tokens()
    {
        string golden = DataFolder.File("weights", "minilm", "golden.jsonl");
        Tokenizer tokenizer = TokenizerFile.LoadFolder(Path.GetDirectoryName(golden)!);
        foreach (string line in File.ReadAllLines(golden))
        {
            (string text, int[] ids) = Golden(line);
            tokenizer.EncodeWithSpecials(text).Ids.ShouldBe(ids, text);
        }
        tokenizer.Special.ShouldSatisfyAllConditions(
            special => special.Pad.ShouldBe(0), special => special.Unknown.ShouldBe(100),
            special => special.Begin.ShouldBe(101), special => special.End.ShouldBe(102),
            special => special.Mask.ShouldBe(103), special => special.Sentinels.ShouldBeEmpty());
        EncodedText masked = tokenizer.EncodeWithSpecials("The [MASK] sat.", readsSpecials: true);
        masked.Ids.ShouldBe([101, 1996, 103, 2938, 1012, 102]);
        tokenizer.Encode("[MASK]").ShouldNotContain(103);
        EncodedText pair = tokenizer.EncodeWithSpecials("hello", "hello world");
        pair.Ids.ShouldBe([101, 7592, 102, 7592, 2088, 102]);
        pair.TypeIds.ShouldBe([0, 0, 0, 1, 1, 1]);
    }

    [Fact]
    public void Words_are_divided_into_the_longest_tokens_and_others_are_unknown()
    {
        WordPieceTokenizer tokenizer = FromNames("un", "##aff", "##able", "unaff", "##a", "a");
        tokenizer.Encode("unaffable Unaff aaffx un").ShouldBe([8, 7, 8, 1, 5]);
        tokenizer.Encode(new string('a', 100))[..2].ShouldBe([10, 9]);
        tokenizer.Encode(new string('a', 101)).ShouldBe([1]);
        tokenizer.Encode("\t ").ShouldBeEmpty();
    }

    [Fact]
    public void Decoding_joins_pieces_and_leaves_no_space_before_punctuation()
    {
        WordPieceTokenizer tokenizer = FromNames("hello", "##s", ",", "world", "(", ")", "!");
        int[] ids = tokenizer.Encode("Hellos,world (world)!");
        tokenizer.Decode(ids).ShouldBe("hellos, world ( world )!");
        tokenizer.DecodeText([2, .. ids, 3]).ShouldBe("hellos, world ( world )!");
        var stream = new TextStream(tokenizer);
        string.Concat(ids.Select(stream.Add).Append(stream.Finish())).ShouldBe("hellos, world ( world )!");
    }

    [Fact]
    public void A_trained_tokenizer_reads_its_own_decoding_as_the_same_ids_and_is_saved_as_it_is()
    {
        foreach (bool lowerCase in (bool[])[true, false])
        {
            WordPieceTokenizer tokenizer = WordPieceTokenizer.Train(Texts, 200, lowerCase);
            tokenizer.Save(TokenizerPath);
            Tokenizer loaded = TokenizerFile.Load(TokenizerPath);
            loaded.Kind.ShouldBe("wordpiece");
            loaded.Special.ShouldBeEquivalentTo(tokenizer.Special);
            string letters = string.Concat(Texts.Append(" [MASK] \ud800\u0301\t"));
            Gen.Int[0, letters.Length - 1].Array[0, 30].Select(at => string.Concat(at.Select(i => letters[i])))
                .Sample(text =>
                {
                    int[] ids = tokenizer.Encode(text);
                    return ids.Contains(1) || (tokenizer.Encode(tokenizer.Decode(ids)).SequenceEqual(ids)
                        && loaded.EncodeWithSpecials(text).Ids.SequenceEqual([2, .. ids, 3]));
                }, iter: 500);
        }
    }

    [Fact]
    public void Training_learns_the_most_frequent_pairs_and_does_not_depend_on_threads()
    {
        // By hand: a ##b 4 times, then ##a ##b and ab ##ab 3 times each.
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Train(["abab Abab abab ab"], 11);
        Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Name).ShouldBe(
            ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "##a", "##b", "a", "ab", "##ab", "abab"]);
        string[] texts = [.. Enumerable.Range(0, 300).Select(i => Texts[i % Texts.Length] + i)];
        string one = Path.Combine(_folder, "1.json"), four = Path.Combine(_folder, "4.json");
        WordPieceTokenizer.Train(texts, 300, true, 1, default).Save(one);
        WordPieceTokenizer.Train(texts, 300, true, 4, default).Save(four);
        File.ReadAllText(four).ShouldBe(File.ReadAllText(one));
        Should.Throw<AtelierException>(() => WordPieceTokenizer.Train(Texts, 20)).Message
            .ShouldContain("has room for 15");
    }

    [Theory]
    [InlineData("""{"do_lower_case": false}""", "Dejà", 1)]
    [InlineData("""{"do_lower_case": true}""", "Dejà", 6)]
    [InlineData("""{"do_lower_case": true, "strip_accents": false}""", "Dejà", 1)]
    [InlineData("""{"tokenize_chinese_chars": false}""", "狐deja", 1)]
    public void Settings_beside_a_bare_vocabulary_change_the_normalizer(string settings, string text, int id)
    {
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), settings);
        File.WriteAllLines(Path.Combine(_folder, "vocab.txt"),
            ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "狐", "deja"]);
        Tokenizer tokenizer = TokenizerFile.LoadFolder(_folder);
        tokenizer.Encode(text).ShouldBe([id]);
        tokenizer.Save(TokenizerPath);
        TokenizerFile.LoadFolder(_folder).Encode(text).ShouldBe([id]);
    }

    [Theory]
    [InlineData("""{"do_lower_case": false}""", "do_lower_case is false, and tokenizer.json says otherwise")]
    [InlineData("""{"surprise": 2}""", "surprise")]
    public void Settings_that_contradict_the_tokenizer_are_refused(string settings, string named)
    {
        FromNames("a").Save(TokenizerPath);
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), settings);
        Should.Throw<AtelierException>(() => TokenizerFile.LoadFolder(_folder)).ToLine().ShouldContain(named);
    }

    [Fact]
    public void A_vocabulary_without_a_special_token_is_refused()
    {
        string path = Path.Combine(_folder, "vocab.txt");
        File.WriteAllLines(path, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"]);
        Should.Throw<AtelierException>(() => WordPieceTokenizer.FromVocabulary(path)).ToLine().ShouldContain("[MASK]");
    }

    private WordPieceTokenizer FromNames(params string[] names)
    {
        string path = Path.Combine(_folder, "names.txt");
        File.WriteAllLines(path, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", .. names]);
        return WordPieceTokenizer.FromVocabulary(path);
    }

    private static (string Text, int[] Ids) Golden(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        return (document.RootElement.GetProperty("text").GetString()!,
            [.. document.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())]);
    }
}
