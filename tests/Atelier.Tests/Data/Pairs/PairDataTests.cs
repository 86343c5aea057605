using Atelier.Data.Pairs;
using Atelier.Data.Worlds;
using Atelier.Recipes;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Tests.Data.Pairs;

public sealed class PairDataTests : IDisposable
{
    private readonly PairFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Numbers(int count, string name = "numbers.tsv") => _folder.Lines(name,
        Enumerable.Range(0, count).Select(i => $"number {i}.\t第{i}號\U0001F600"));

    [Theory]
    [InlineData(TokenizerKind.Character, true)]
    [InlineData(TokenizerKind.Byte, true)]
    [InlineData(TokenizerKind.Bpe, true)]
    [InlineData(TokenizerKind.Character, false)]
    [InlineData(TokenizerKind.Bpe, false)]
    public void Prepared_pairs_are_reopened_with_their_texts_and_tokens(TokenizerKind kind, bool shared)
    {
        string folder = _folder.Files["data"];
        var section = new DataSection
        {
            Source = Numbers(100),
            Pairs = new() { SharedVocabulary = shared },
            Tokenizer = new() { Kind = kind, VocabularySize = 280 },
        };
        TextPair[][] prepared;
        using (var data = PairData.Prepare(section, 1, folder))
            prepared = [.. new[] { data.Train, data.Validation, data.Test }.Select(PairFolder.Texts)];
        prepared.Select(part => part.Length).ShouldBe([90, 5, 5]);
        prepared.SelectMany(part => part).Select(pair => pair.Source).Order(StringComparer.Ordinal).ShouldBe(
            Enumerable.Range(0, 100).Select(i => $"number {i}.").Order(StringComparer.Ordinal));

        using var opened = PairData.Open(folder);
        ReferenceEquals(opened.SourceTokenizer, opened.TargetTokenizer).ShouldBe(shared);
        File.Exists(Path.Combine(folder, PairData.TargetTokenizerFileName)).ShouldBe(!shared);
        foreach ((PairFile file, TextPair[] texts) in
            new[] { opened.Train, opened.Validation, opened.Test }.Zip(prepared))
        {
            PairFolder.Texts(file).ShouldBe(texts);
            for (int i = 0; i < file.Count; i++)
            {
                opened.SourceTokenizer.Decode(file.Source(i).Span).ShouldBe(texts[i].Source);
                opened.TargetTokenizer.Decode(file.Target(i).Span).ShouldBe(texts[i].Target);
                (file.SourceLength(i), file.TargetLength(i)).ShouldBe((file.Source(i).Length, file.Target(i).Length));
            }
        }
        opened.Ends.EndId.ShouldBe(opened.TargetTokenizer.EndOfTextId!.Value);
        opened.Ends.SourceEndId.ShouldBe(opened.SourceTokenizer.EndOfTextId!.Value);
    }

    [Fact]
    public void The_same_seed_gives_the_same_files_and_another_seed_another_split()
    {
        string source = Numbers(60);
        byte[][] Files(string folder, long seed)
        {
            PairData.Prepare(new DataSection { Source = source }, seed, _folder.Files[folder]).Dispose();
            string[] files = [.. Directory.GetFiles(_folder.Files[folder]).Order(StringComparer.Ordinal)];
            return Array.ConvertAll(files, File.ReadAllBytes);
        }
        byte[][] first = Files("a", 3);
        Files("b", 3).ShouldBe(first);
        Files("c", 4).ShouldNotBe(first);
    }

    [Fact]
    public void A_published_split_is_kept_and_further_test_sets_are_named()
    {
        foreach ((string part, string[] numbers) in new[]
        {
            ("train", new[] { "one", "two", "three", "six" }), ("val", ["four"]),
            ("test_2016", ["five", "six", "five"]), ("test_2017", ["seven"]),
        })
        {
            _folder.Lines($"{part}.lc.tok.de.gz", numbers.Select(n => n + " DE"));
            _folder.Lines($"{part}.lc.tok.en.gz", numbers.Select(n => n + " EN"));
        }
        using PairData data = _folder.Prepare(_folder.Files.Path, new() { SourceLanguage = "en" }, new());
        PairFolder.Texts(data.Train).Select(p => p.Source).Order(StringComparer.Ordinal).ShouldBe(
            ["one EN", "three EN", "two EN"]); // the training pair whose source is a test source is left out
        PairFolder.Texts(data.Validation).ShouldBe([new("four EN", "four DE")]);
        PairFolder.Texts(data.Test).ShouldBe(
            [new("five EN", "five DE"), new("six EN", "six DE"), new("five EN", "five DE")], "the test is left whole");
        data.Notes.ShouldContain("1 training pair whose source is also in the validation or test data was left out.");
        data.Notes.ShouldContain(note => note.Contains("Not used: test_2017.lc.tok", StringComparison.Ordinal)
            && note.Contains(_folder.Files["test_2017.lc.tok"], StringComparison.Ordinal));

        using PairData other = _folder.Prepare(_folder.Files["test_2017"], new() { SourceLanguage = "en" },
            new SplitSection { Train = 0, Validation = 0, Test = 1, Shuffle = false },
            new() { File = _folder.Files["prepared0/tokenizer.json"] });
        (other.Train.Count, other.Validation.Count).ShouldBe((0, 0));
        PairFolder.Texts(other.Test).ShouldBe([new("seven EN", "seven DE")]);
        using PairData learned = other.Learning(PairData.Open(_folder.Files["prepared0"]));
        (learned.Train.Count, learned.Test.Count).ShouldBe((3, 1));
    }

    [Fact]
    public void Given_no_validation_file_then_its_share_is_split_off_the_training_pairs()
    {
        Numbers(40, "train.tsv");
        _folder.Write("test.tsv", "number 3.\tx y z.\nnumber x.\ty y y.\n");
        using PairData data = _folder.Prepare(_folder.Files.Path, null, new() { Train = 0.7, Validation = 0.25 });
        (data.Validation.Count, data.Test.Count).ShouldBe((10, 2));
        data.Train.Count.ShouldBeInRange(29, 30, "a pair with a source of the test is left out if it is not held out");
    }

    [Fact]
    public void Pairs_with_the_same_source_are_in_one_part()
    {
        string source = _folder.Lines("a.tsv", Enumerable.Range(0, 300).Select(i => $"source {i / 3}.\ttarget {i}."));
        using PairData data = _folder.Prepare(source, null, new() { Train = 0.6, Validation = 0.2, Test = 0.2 });
        string[][] sources = [.. new[] { data.Train, data.Validation, data.Test }
            .Select(part => PairFolder.Texts(part).Select(pair => pair.Source).Distinct().ToArray())];
        sources.Sum(part => part.Length).ShouldBe(100);
        sources[2].Length.ShouldBeInRange(19, 21);
    }

    [Fact]
    public void Unusable_pairs_are_left_out_and_counted()
    {
        string longest = new('x', 10_000);
        string source = _folder.Lines("a.tsv",
        [
            "good one.\tgut", "good one.\tgut", "good one.\tprima", "\tempty", "empty.\t  ", $"{longest}.\tlong",
            $"long.\t{longest}", "same.\tsame.", "a rather long text.\tab",
        ]);
        using PairData data = _folder.Prepare(source, new() { MaxRatio = 9 });
        PairFolder.Texts(data.Train).OrderBy(p => p.Target, StringComparer.Ordinal).ShouldBe(
            [new("good one.", "gut"), new("good one.", "prima"), new("same.", "same.")]);
        string[] notes =
        [
            "2 pairs with an empty side were left out.",
            "1 training pair with the same two texts as another was left out.",
            "2 training pairs with more than 256 tokens on a side (data.pairs.maxLength) were left out.",
            "1 training pair with sides that differ by more than 9 times in their tokens (data.pairs.maxRatio) was "
                + "left out.",
            "1 pair has the same text on both sides.",
        ];
        notes.ShouldBeSubsetOf(data.Notes);
        using PairData lenient = _folder.Prepare(source, new() { MaxLength = 10_001 });
        lenient.Train.Count.ShouldBe(6);
        lenient.Notes.ShouldContain(note => note.StartsWith(
            "3 training pairs have sides that differ by more than 9 times", StringComparison.Ordinal));
    }

    [Fact]
    public void Where_nothing_is_left_one_line_says_why()
    {
        string source = _folder.Write("a.tsv", "\tempty\nlong, long, long.\tlong, long, long.\n");
        AtelierException e = Should.Throw<AtelierException>(() => _folder.Prepare(source, new() { MaxLength = 5 }));
        e.Message.ShouldContain("no pairs are left to train on: 1 pair with an empty side; "
            + "1 training pair with more than 5 tokens on a side");
        e.Message.ShouldNotContain("\n");
        File.Exists(_folder.Files["prepared0/facts.json"]).ShouldBeFalse();
    }

    [Fact]
    public void Damaged_files_are_refused_when_opened()
    {
        string folder = _folder.Files["data"];
        PairData.Prepare(new DataSection { Source = Numbers(50) }, 1, folder).Dispose();
        foreach (string name in (string[])["train.texts", "test.source.tokens", "validation.target.tokens"])
        {
            string path = Path.Combine(folder, name);
            byte[] whole = File.ReadAllBytes(path);
            File.WriteAllBytes(path, whole[..^8]);
            Should.Throw<AtelierException>(() => PairData.Open(folder)).Hint.ShouldBe("prepare the data again");
            File.WriteAllBytes(path, whole);
        }
        File.Copy(Path.Combine(folder, "test.texts"), Path.Combine(folder, "train.texts"), overwrite: true);
        Should.Throw<AtelierException>(() => PairData.Open(folder)).Message.ShouldContain("for 45 pairs");
    }

    [Fact]
    public void One_tokenizer_file_cannot_be_two_vocabularies()
    {
        string tokenizer = _folder.Files["tokenizer.json"];
        new ByteTokenizer().Save(tokenizer);
        Should.Throw<AtelierException>(() => _folder.Prepare(Numbers(5), new() { SharedVocabulary = false }, null,
            new() { File = tokenizer })).Hint!.ShouldContain("data.pairs.sharedVocabulary");
    }

    [Fact]
    public void A_world_gives_its_pairs_by_the_seed_and_another_world_is_refused()
    {
        DataSection section = new() { Source = "world:pairs-en-zh", WorldDocuments = 50, Split = SplitSection.None };
        using var data = PairData.Prepare(section, 5, _folder.Files["world"]);
        PairFolder.Texts(data.Train).ShouldBe(PairWorld.Find("world:pairs-en-zh")!.Pairs(5, 50).Distinct(),
            ignoreOrder: true);
        Should.Throw<AtelierException>(() => _folder.Prepare("world:stories-en")).Hint!.ShouldContain("pairs-zh-en");
    }

    [Fact]
    public void Multi30k_keeps_its_published_split()
    {
        DataFolder.File("multi30k", "train.lc.norm.tok.de.gz");
        using PairData data = _folder.Prepare("multi30k", new() { SourceLanguage = "en", MaxLength = 1000 }, new(),
            new() { Kind = TokenizerKind.Byte });
        (data.Validation.Count, data.Test.Count).ShouldBe((1014, 1000));
        data.Train.Count.ShouldBeInRange(28_900, 29_000);
        data.Validation[0].ShouldBe(new("a group of men are loading cotton onto a truck",
            "eine gruppe von männern lädt baumwolle auf einen lastwagen"));
        data.Notes.ShouldContain(note =>
            note.Contains("multi30k:test_2017_flickr.lc.norm.tok", StringComparison.Ordinal));
        var other = PairPreview.Of(new DataSection { Source = "multi30k:test_2017_flickr" }, 1, 1);
        (other.Pairs, other.Encodings.Count).ShouldBe((1000, 2));
    }

    [Fact]
    public void Translation_en_zh_has_21116_pairs()
    {
        DataFolder.File("translation-en-zh", "cmn.txt");
        var preview = PairPreview.Of(new DataSection { Source = "translation-en-zh" }, 1, 1);
        preview.Pairs.ShouldBe(21_116);
        preview.First.ShouldBe([new("Hi.", "嗨。")]);
        preview.Notes.ShouldContain(note => note.StartsWith("Sources are in column 'english' and targets in column "
            + "'chinese'", StringComparison.Ordinal));
    }
}
