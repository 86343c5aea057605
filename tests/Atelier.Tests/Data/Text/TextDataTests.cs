using Atelier.Data.Text;
using Atelier.Data.Worlds;
using Atelier.Recipes;
using Atelier.TestSupport;

namespace Atelier.Tests.Data.Text;

public sealed class TextDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private TextData Prepare(DataSection section, long seed = 1, string name = "data") =>
        TextData.Prepare(section, seed, _folder[name]);

    private static List<string> Documents(TextData data, TokenFile file)
    {
        var texts = new List<string>();
        for (long i = 0; i < file.DocumentCount; i++)
        {
            DocumentEntry entry = file.Document(i);
            var ids = new int[entry.Length];
            file.Read(entry.Start, ids);
            bool ended = ids[^1] == data.Tokenizer.EndOfTextId;
            texts.Add(data.Tokenizer.Decode(ended ? ids.AsSpan(..^1) : ids));
        }
        return texts;
    }

    private static DataSection Lines(string path) => new() { Source = path, Document = DocumentUnit.Line };

    [Fact]
    public void Given_one_file_as_one_document_then_it_is_cut_by_position_without_an_end_and_starts_after_a_line_end()
    {
        string text = string.Concat(Enumerable.Range(0, 500).Select(i => $"line {i} 你好 🙂\n"));
        using TextData data =
            Prepare(new() { Source = _folder.Write("a.txt", text),
            Split = new() { Train = 0.8, Validation = 0.1, Test = 0.1 } });
        long scalars = text.EnumerateRunes().Count();
        data.Train.EndOfTextId.ShouldBeNull();
        data.Train.Characters.ShouldBe((long)(0.8 * scalars));
        (data.Train.Characters + data.Validation.Characters + data.Test.Characters).ShouldBe(scalars);
        string.Concat(Documents(data, data.Train).Concat(Documents(data, data.Validation))
            .Concat(Documents(data, data.Test))).ShouldBe(text);
        data.Train.Bytes.ShouldBe(System.Text.Encoding.UTF8.GetByteCount(Documents(data, data.Train)[0]));
        data.Tokenizer.Decode([data.Facts.StartId]).ShouldBe("\n");
        data.Facts.Encodings.ShouldBe(new Dictionary<string, string> { ["a.txt"] = "UTF-8" });
    }

    [Fact]
    public void Data_that_are_already_split_keep_their_parts_and_the_vocabulary_is_of_the_training_text()
    {
        DataSection section = Lines(_folder.Write("train.txt", "a b a\n\nc a\nb a c")) with
        {
            Validation = _folder.Write("valid.txt", "b d\na"), Test = _folder.Write("test.txt", "c c"),
            Tokenizer = new() { Kind = TokenizerKind.Word },
        };
        using (TextData data = Prepare(section))
        {
            Documents(data, data.Train).ShouldBe(["a b a", "c a", "b a c"], ignoreOrder: true);
            Documents(data, data.Validation).ShouldBe(["b <unk>", "a"], ignoreOrder: true);
            Documents(data, data.Test).ShouldBe(["c c"]);
            data.Tokenizer.VocabularySize.ShouldBe(5); // the end, the unknown word, a, b and c
            data.Notes.ShouldContain("The test part is test.txt.");
        }
        using (TextData data = Prepare(section with { Test = null }, name: "two"))
        {
            data.Train.DocumentCount.ShouldBe(3);
            data.Validation.DocumentCount.ShouldBe(2);
            data.Test.DocumentCount.ShouldBe(0);
        }
        Should.Throw<AtelierException>(() => Prepare(section with { Split = SplitSection.None }, name: "three")).Where
            .ShouldBe("data.split");
        Should.Throw<AtelierException>(() => Prepare(section with { Test = _folder["none.txt"] }, name: "four")).Where
            .ShouldBe(_folder["none.txt"]);
    }

    [Fact]
    public void Given_a_novel_and_two_notes_then_training_gets_its_nine_tenths_and_the_split_is_told()
    {
        string novel = string.Concat(Enumerable.Range(0, 3000).Select(i => $"It was chapter {i} and 你好 rained. "));
        _folder.Write("texts/a-note.txt", "buy milk");
        _folder.Write("texts/novel.txt", novel);
        _folder.Write("texts/z-note.txt", "call home");
        using TextData data = Prepare(new() { Source = _folder["texts"] });
        double whole = novel.Length + "buy milk".Length + "call home".Length;
        (data.Train.Characters / whole).ShouldBe(0.9, 0.001);
        (data.Validation.Characters / whole).ShouldBe(0.05, 0.001);
        (data.Test.Characters / whole).ShouldBe(0.05, 0.001);
        data.Notes.ShouldContain(note => note.Contains("3 whole documents") && note.Contains("split by position"));
        string[] all =
            [.. Documents(data, data.Train), .. Documents(data, data.Validation), .. Documents(data, data.Test)];
        string.Concat(all).Length.ShouldBe((int)whole);
        all.Where(part => part.Length > 9).ShouldAllBe(part => novel.Contains(part));
    }

    [Fact]
    public void Given_lines_then_each_is_a_document_ended_by_the_end_of_text_and_none_is_lost()
    {
        string[] lines = [.. Enumerable.Range(0, 1000).Select(i => $"name{i}")];
        using TextData data = Prepare(Lines(_folder.Write("a.txt", string.Join('\n', lines))));
        data.Train.DocumentCount.ShouldBe(900);
        data.Validation.DocumentCount.ShouldBe(50);
        data.Test.DocumentCount.ShouldBe(50);
        string[] all =
            [.. Documents(data, data.Train), .. Documents(data, data.Validation), .. Documents(data, data.Test)];
        all.Order(StringComparer.Ordinal).ShouldBe(lines.Order(StringComparer.Ordinal));
        all.ShouldNotBe(lines);
        data.Facts.StartId.ShouldBe(data.Tokenizer.EndOfTextId!.Value);
        data.Train.Characters.ShouldBe(Documents(data, data.Train).Sum(d => d.Length + 1));
    }

    [Fact]
    public void The_same_seed_gives_the_same_files_and_another_seed_others()
    {
        string path = _folder.Write("a.txt", string.Join('\n', Enumerable.Range(0, 300)));
        foreach ((long seed, string name) in new[] { (5L, "one"), (5L, "two"), (6L, "three") })
            Prepare(Lines(path), seed, name).Dispose();
        byte[] Train(string name) => File.ReadAllBytes(Path.Combine(_folder[name], "train.tokens"));
        Train("one").ShouldBe(Train("two"));
        Train("one").ShouldNotBe(Train("three"));
    }

    [Fact]
    public void Prepared_data_opens_again_as_it_was()
    {
        using TextData made =
            Prepare(Lines(_folder.Write("a.txt", "one\ntwo\nthree\nfour\nfive")) with { Clean = ["min-length:4"] });
        using TextData opened = TextData.Open(_folder["data"]);
        Documents(opened, opened.Train).ShouldBe(Documents(made, made.Train));
        opened.Facts.Cleaning.ShouldBe([new CleaningResult("min-length:4", 2, 6)]);
        opened.Facts.StartId.ShouldBe(made.Facts.StartId);
    }

    [Theory]
    [InlineData(TokenizerKind.Byte)]
    [InlineData(TokenizerKind.Bpe)]
    public void Every_kind_of_tokenizer_gives_the_text_back(TokenizerKind kind)
    {
        string text = string.Concat(Enumerable.Repeat("the cat sat on the mat. 猫坐在垫子上。\n", 50));
        using TextData data = Prepare(new()
        {
            Source = _folder.Write("a.txt", text),
            Split = new() { Train = 1, Validation = 0, Test = 0 },
            Tokenizer = new() { Kind = kind, VocabularySize = 300 },
        });
        Documents(data, data.Train).ShouldBe([text]);
        data.Train.Characters.ShouldBe(text.Length);
    }

    [Fact]
    public void Given_a_part_taken_from_another_preparation_then_opening_is_refused()
    {
        Prepare(Lines(_folder.Write("a.txt", "ab\nba\naab")), name: "one").Dispose();
        Prepare(Lines(_folder.Write("b.txt", "abc\nbac\ncab")), name: "two").Dispose();
        File.Copy(Path.Combine(_folder["two"], "train.tokens"), Path.Combine(_folder["one"], "train.tokens"),
            overwrite: true);
        Should.Throw<AtelierException>(() => TextData.Open(_folder["one"])).Message.ShouldContain("vocabulary");
    }

    [Fact]
    public void Given_a_failure_then_the_folder_holds_no_prepared_data_and_no_leftovers()
    {
        Should.Throw<AtelierException>(() =>
            Prepare(Lines(_folder.Write("a.txt", "\n\n\n")))).Message.ShouldContain("no text");
        Should.Throw<AtelierException>(() => TextData.Open(_folder["data"]));
        Directory.GetFiles(_folder["data"]).ShouldBeEmpty();
    }

    [Fact]
    public void Shares_above_one_are_refused() =>
        Should.Throw<AtelierException>(() =>
            Prepare(new() { Source = _folder.Write("a.txt", "a"),
            Split = new() { Train = 0.9, Validation = 0.1, Test = 0.1 } }))
            .Where.ShouldBe("data.split");

    [Fact]
    public void Tinyshakespeare_has_its_65_characters_and_its_first_nine_tenths_to_train_on()
    {
        using TextData data = Prepare(new()
        {
            Source = DataFolder.File("tinyshakespeare", "input.txt"),
            Split = new() { Train = 0.9, Validation = 0.1, Test = 0 },
            Tokenizer = new() { ByteFallback = false },
        });
        data.Tokenizer.VocabularySize.ShouldBe(66);
        data.Train.Count.ShouldBe(1_003_854);
        data.Validation.Count.ShouldBe(111_540);
        data.Test.Count.ShouldBe(0);
    }

    [Fact]
    public void A_world_brings_its_documents_and_its_exact_entropy()
    {
        using TextData data = Prepare(new() { Source = "world:stories-zh", WorldDocuments = 100 });
        (data.Train.DocumentCount + data.Validation.DocumentCount + data.Test.DocumentCount).ShouldBe(100);
        data.Facts.ExactEntropy.ShouldBe(TextWorlds.Find("world:stories-zh")!.EntropyPerCharacter);
        Documents(data, data.Test).ShouldBeSubsetOf(TextWorlds.Find("world:stories-zh")!.Documents(1, 100));
        Should.Throw<AtelierException>(() =>
            Prepare(new() { Source = "world:none" })).Hint!.ShouldContain("world:stories-en");
    }
}
