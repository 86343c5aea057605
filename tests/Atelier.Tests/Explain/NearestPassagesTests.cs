using System.Globalization;
using Atelier.Data.Text;
using Atelier.Explain;
using Atelier.Recipes;
using Atelier.Tests.Data;

namespace Atelier.Tests.Explain;

/// <summary>Passages that texts were copied from, exactly and with changes.</summary>
public sealed class NearestPassagesTests : IDisposable
{
    private const int Lines = 4000;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TokenizerKind.Character, false)]
    [InlineData(TokenizerKind.Character, true)]
    [InlineData(TokenizerKind.Bpe, true)]
    public void The_passage_that_a_sentence_was_copied_from_is_first_in_99_of_100(TokenizerKind kind, bool isChanged)
    {
        using TextData data = Prepare(Corpus("the of sea ship wind stone light and rose king dark never bell green "
            + "sail far home wave salt rope gull mast deep cold sun moon star sand rock cliff"), kind);
        var passages = new NearestPassages(data);
        var random = new Random(3);
        int first = 0;
        for (int i = 0; i < 100; i++)
        {
            long document = random.NextInt64(data.Train.DocumentCount);
            string sentence = Read(data, document);
            string[] words = sentence.Split(' ');
            if (isChanged)
                words[random.Next(words.Length)] = "nothing";
            NearPassage found = passages.Find(string.Join(' ', words), 3)[0];
            first += found.Document == document ? 1 : 0;
            if (!isChanged)
            {
                found.Share.ShouldBe(1, 1e-9);
                found.Common.ShouldBe(sentence);
            }
        }
        first.ShouldBeGreaterThanOrEqualTo(99);
    }

    [Fact]
    public void Chinese_is_found_and_passages_do_not_overlap()
    {
        using TextData data = Prepare(Corpus("春 风 明 月 山 水 花 鸟 人 天 地 江 湖 雪 夜 云").Select(line =>
            line.Replace(" ", "", StringComparison.Ordinal)), TokenizerKind.Character);
        string part = Read(data, 17)[..8];
        IReadOnlyList<NearPassage> found = new NearestPassages(data).Find(part, 5);
        found[0].Text.ShouldBe(part);
        found[0].Share.ShouldBe(1, 1e-9);
        found.Select(one => one.Share).ShouldBe(found.Select(one => one.Share).OrderDescending());
        long[] starts = [.. found.Select(one => one.Start).Order()];
        starts.Zip(starts.Skip(1), (a, b) => b - a).ShouldAllBe(gap => gap >= 8);
    }

    [Fact]
    public void A_text_that_shares_nothing_has_no_passages_and_an_empty_one_is_refused()
    {
        using TextData data = Prepare(Corpus("sea ship wind"), TokenizerKind.Byte);
        var passages = new NearestPassages(data);
        passages.Find("QQQQQQQQ", 3).ShouldBeEmpty();
        Should.Throw<AtelierException>(() => passages.Find("", 3)).Message.ShouldContain("empty");
    }

    private static string Read(TextData data, long document)
    {
        DocumentEntry entry = data.Train.Document(document);
        int[] ids = new int[entry.Length];
        data.Train.Read(entry.Start, ids);
        return data.Tokenizer.Decode(ids).Trim();
    }

    /// <summary>Lines of random words, with a number, so that no two are equal.</summary>
    private static IEnumerable<string> Corpus(string words)
    {
        string[] all = words.Split(' ');
        var random = new Random(1);
        return Enumerable.Range(0, Lines).Select(i => string.Join(' ',
            Enumerable.Range(0, 10).Select(_ => all[random.Next(all.Length)]))
                + i.ToString(" 0000", CultureInfo.InvariantCulture));
    }

    private TextData Prepare(IEnumerable<string> lines, TokenizerKind kind)
    {
        string source = _folder["corpus.txt"];
        File.WriteAllLines(source, lines);
        return TextData.Prepare(new DataSection
        {
            Source = source, Document = DocumentUnit.Line,
            Tokenizer = new TokenizerSection { Kind = kind, VocabularySize = 400 },
        }, 1, _folder["data"]);
    }
}
