using Atelier.Data.Pairs;
using Atelier.Recipes;
using ParquetSharp;

namespace Atelier.Tests.Data.Pairs;

public sealed class PairReadingTests : IDisposable
{
    private static readonly TextPair[] Expected = [new("one", "eins"), new("two, three", "zwei")];

    private readonly PairFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private TextPair[] Read(string source, PairsSection? pairs = null)
    {
        using PairData data = _folder.Prepare(source, pairs);
        return [.. PairFolder.Texts(data.Train).OrderBy(pair => pair.Source, StringComparer.Ordinal)];
    }

    private AtelierException Refused(string source, PairsSection? pairs = null) =>
        Should.Throw<AtelierException>(() => _folder.Prepare(source, pairs));

    [Theory]
    [InlineData("a.csv", "english,german\none,eins\n\"two, three\",zwei\n")]
    [InlineData("a.tsv", "english\tgerman\none\teins\ntwo, three\tzwei\n")]
    [InlineData("a.tsv.gz", "english\tgerman\none\teins\ntwo, three\tzwei\n")]
    [InlineData("a.tsv", "two, three\tzwei\none\teins\n")]
    [InlineData("a.txt", "two, three\tzwei\tCC-BY 2.0\none\teins\tCC-BY 2.0\n")]
    [InlineData("a.csv", "id,english,german\n1,one,eins\n2,\"two, three\",zwei\n")]
    [InlineData("a.jsonl", "{\"id\":1,\"en\":\"one\",\"de\":\"eins\"}\n{\"en\":\"two, three\",\"de\":\"zwei\"}\n")]
    [InlineData("a.jsonl", "{\"translation\":{\"en\":\"one\",\"de\":\"eins\"}}\n"
        + "{\"translation\":{\"en\":\"two, three\",\"de\":\"zwei\"}}\n")]
    public void The_first_two_columns_of_text_are_pairs_and_a_note_names_them(string name, string text)
    {
        using PairData data = _folder.Prepare(_folder.Write(name, text));
        PairFolder.Texts(data.Train).OrderBy(pair => pair.Source, StringComparer.Ordinal).ShouldBe(Expected);
        data.Notes.ShouldContain(note => note.StartsWith("Sources are in column '", StringComparison.Ordinal));
    }

    [Fact]
    public void Columns_are_selected_by_name_or_number_and_reversed()
    {
        string table = _folder.Write("a.csv", "x,german,english\n-,eins,one\n-,zwei,\"two, three\"\n");
        Read(table, new() { SourceColumn = "english", TargetColumn = "german" }).ShouldBe(Expected);
        Read(table, new() { SourceColumn = "3", TargetColumn = "2" }).ShouldBe(Expected);
        Read(table, new() { SourceColumn = "2", TargetColumn = "3", Reverse = true }).ShouldBe(Expected);
    }

    [Fact]
    public void Columns_of_parquet_are_read()
    {
        string path = _folder.Files["a.parquet"];
        using (var writer = new ParquetFileWriter(path,
            [new Column<int>("id"), new Column<string>("en"), new Column<string>("de")]))
        {
            using RowGroupWriter group = writer.AppendRowGroup();
            using (LogicalColumnWriter<int> ids = group.NextColumn().LogicalWriter<int>())
                ids.WriteBatch([1, 2]);
            using (LogicalColumnWriter<string> texts = group.NextColumn().LogicalWriter<string>())
                texts.WriteBatch(["one", "two, three"]);
            using (LogicalColumnWriter<string> texts = group.NextColumn().LogicalWriter<string>())
                texts.WriteBatch(["eins", "zwei"]);
            writer.Close();
        }
        Read(path).ShouldBe(Expected);
    }

    [Fact]
    public void Parallel_files_are_read_together_in_the_order_given_or_by_their_languages()
    {
        string en = _folder.Write("a.en.gz", "one\ntwo, three\n"), de = _folder.Write("a.de", "eins\nzwei");
        Read($"{en},{de}").ShouldBe(Expected);
        Read($"{de},{en}", new() { Reverse = true }).ShouldBe(Expected);
        Read($"{de},{en}", new() { SourceLanguage = "en" }).ShouldBe(Expected);
        Read($"{de}, {en}", new() { TargetLanguage = "de" }).ShouldBe(Expected);
        Read(_folder.Files["a"], new() { SourceLanguage = "en" }).ShouldBe(Expected);
        Read(_folder.Files.Path, new() { SourceLanguage = "en" }).ShouldBe(Expected);
    }

    [Fact]
    public void A_folder_of_three_languages_needs_a_choice_of_two()
    {
        _folder.Write("a.en", "one\ntwo, three\n");
        _folder.Write("a.de", "eins\nzwei\n");
        _folder.Write("a.fr", "un\ndeux\n");
        AtelierException e = Refused(_folder.Files.Path);
        e.Message.ShouldContain("de, en, fr");
        e.Hint!.ShouldContain("data.pairs.sourceLanguage");
        Read(_folder.Files.Path, new() { SourceLanguage = "en", TargetLanguage = "de" }).ShouldBe(Expected);
        Refused(_folder.Files.Path, new() { SourceLanguage = "en", TargetLanguage = "es" }).Message
            .ShouldContain("has no files in es");
    }

    [Fact]
    public void Parallel_files_of_unequal_length_are_refused_and_both_counts_named()
    {
        string en = _folder.Lines("a.en", Enumerable.Repeat("one", 1001)), de = _folder.Write("a.de", "eins\nzwei\n");
        AtelierException e = Refused($"{en},{de}");
        e.Message.ShouldContain("has 1,001 lines, but a.de has 2");
        e.Message.ShouldNotContain("\n");
    }

    [Theory]
    [InlineData("a.csv", "english,german\none,eins\n", "spanish",
        "has no column 'spanish'; its columns are english, german")]
    [InlineData("a.csv", "english,german\none,eins\n", "3", "has no column '3'")]
    [InlineData("a.jsonl", "{\"en\":\"one\",\"de\":\"eins\"}\n", "es", "has no column 'es'; its columns are en, de")]
    [InlineData("a.csv", "english,german\none,eins\n", "german", "both in column 'german'")]
    public void A_wrong_column_is_refused_in_one_line(string name, string text, string column, string message)
    {
        AtelierException e = Refused(_folder.Write(name, text),
            new() { SourceColumn = column, TargetColumn = name == "a.csv" ? "german" : "de" });
        e.Message.ShouldContain(message);
        e.Message.ShouldNotContain("\n");
        e.Hint!.ShouldContain("data.pairs.sourceColumn");
    }

    [Theory]
    [InlineData("a.txt", "plain text\nwithout tabs\n", "has no two columns of text")]
    [InlineData("a.jsonl", "{\"en\":\"one\",\"de\":\"eins\"}\n{\"en\":\"two\"}\n", "has no column 'de'")]
    [InlineData("a.tsv", "one x.\teins\ntwo\n", "line 2 has 1 field")]
    [InlineData("a.wav", "RIFF", "is not a table of pairs")]
    public void A_file_without_pairs_is_refused(string name, string text, string message) =>
        Refused(_folder.Write(name, text)).Message.ShouldContain(message);

    [Fact]
    public void Three_files_and_missing_files_are_refused()
    {
        Refused("a.en,a.de,a.fr").Message.ShouldContain("names 3 files");
        Refused(_folder.Files["no.en"] + "," + _folder.Files["no.de"]).Message.ShouldContain("cannot be read");
        Refused(_folder.Files["nothing"]).Message.ShouldContain("there is no such file or folder");
    }

    [Fact]
    public void A_preview_counts_the_pairs_and_the_texts_of_both_sides()
    {
        string table = _folder.Write("a.tsv", "source\ttarget\none\t一\none\t二\n \tleft out\nsame\tsame\n");
        var preview = PairPreview.Of(new DataSection { Source = table }, 1, 2);
        preview.Pairs.ShouldBe(3);
        preview.Source.ShouldBe(new PairSide(10, 4, 2));
        preview.Target.ShouldBe(new PairSide(6, 4, 3));
        preview.First.ShouldBe([new("one", "一"), new("one", "二")]);
        preview.Notes.ShouldContain("1 pair with an empty side was left out.");
        preview.Notes.ShouldContain("1 pair has the same text on both sides.");
    }
}
