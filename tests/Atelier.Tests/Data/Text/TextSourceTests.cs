using System.IO.Compression;
using System.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;
using CsCheck;
using Parquet;
using Parquet.Schema;

namespace Atelier.Tests.Data.Text;

public sealed class TextSourceTests : IDisposable
{
    private static readonly string[] Common = ["a", "的", "是", "\n", " ", "中国", "，"];
    private static readonly string[] FieldParts = ["a", ",", "\"", "\n", "你", " "];

    private readonly TemporaryFolder _folder = new();
    private readonly ReadingReport _report = new();

    public void Dispose() => _folder.Dispose();

    private string[] Read(string path, DocumentUnit unit = DocumentUnit.Auto, string? column = null,
        int longest = 1 << 20) =>
        [.. TextSource.Read(path, new() { Unit = unit, Column = column, LongestPiece = longest }, _report)
            .Select(p => p.Text)];

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    private static Encoding Named(string name) => name == "GB18030"
        ? CodePagesEncodingProvider.Instance.GetEncoding("GB18030")!
        : new UnicodeEncoding(bigEndian: name.Contains("BE", StringComparison.Ordinal), byteOrderMark: false);

    public static TheoryData<string, string, byte[]> Encoded()
    {
        const string English = "It was a dark night, and the wind blew.\nNothing stirred.\n";
        const string Chinese = "天下大势，分久必合，合久必分。\n周末七国分争，并入于秦。\n";
        var data = new TheoryData<string, string, byte[]>();
        foreach (string text in (string[])[English, Chinese, English + Chinese])
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            data.Add("UTF-8", text, utf8);
            data.Add("UTF-8 with BOM", text, [0xEF, 0xBB, 0xBF, .. utf8]);
            foreach (string name in (string[])["UTF-16 LE", "UTF-16 BE"])
            {
                byte[] bytes = Named(name).GetBytes(text);
                data.Add(name, text, bytes);
                data.Add(name + " with BOM", text,
                    [.. name == "UTF-16 LE" ? [0xFF, 0xFE] : new byte[] { 0xFE, 0xFF }, .. bytes]);
            }
            if (text != English)
                data.Add("GB18030", text, Named("GB18030").GetBytes(text));
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Encoded))]
    public void The_encoding_is_found_and_the_text_is_read_by_it(string name, string text, byte[] bytes)
    {
        Read(_folder.Write("a.txt", bytes)).ShouldBe([text]);
        _report.Encodings["a.txt"].ShouldBe(name);
    }

    [Fact]
    public void Given_any_text_longer_than_a_block_then_utf8_and_gb18030_give_it_back()
    {
        Gen<string> common = Gen.Int[0, 6].Select(i => Common[i]).Array[30_000, 60_000].Select(string.Concat);
        common.Sample(text =>
        {
            string.Concat(Read(_folder.Write("a.txt", Encoding.UTF8.GetBytes(text)))).ShouldBe(text);
            string.Concat(Read(_folder.Write("a.txt", Named("GB18030").GetBytes(text)))).ShouldBe(text);
        }, iter: 6, threads: 1);
    }

    [Fact]
    public void Given_bytes_that_are_not_utf8_then_it_names_the_first()
    {
        byte[] bytes =
            [.. Encoding.UTF8.GetBytes(new string('a', 100_000)), 0xE9, (byte)' ', .. Encoding.UTF8.GetBytes("été")];
        AtelierException e = Should.Throw<AtelierException>(() => Read(_folder.Write("a.txt", bytes)));
        e.Message.ShouldContain("byte 100000");
        e.Where!.ShouldEndWith("a.txt");
        e.Hint!.ShouldContain("UTF-8");
    }

    [Fact]
    public void Given_text_cut_within_a_character_then_it_is_refused() =>
        Should.Throw<AtelierException>(() => Read(_folder.Write("a.txt", Encoding.UTF8.GetBytes("你好世界天下")[..^1])));

    [Fact]
    public void Given_a_binary_file_as_text_then_it_is_refused()
    {
        byte[] picture =
            [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, .. RandomBytes(5000)];
        Should.Throw<AtelierException>(() => Read(_folder.Write("a.txt", picture))).Message.ShouldContain("not text");
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    [Fact]
    public void Missing_and_empty_files_are_told()
    {
        Should.Throw<AtelierException>(() => Read(_folder["none.txt"])).Hint.ShouldBe("check the name");
        Should.Throw<AtelierException>(() => Read(_folder.Write("a.txt", ""))).Message.ShouldBe("is empty");
        Should.Throw<AtelierException>(() => Read(_folder.Path)).Message.ShouldContain("no text");
    }

    [Fact]
    public void Lines_and_paragraphs_are_documents_and_carriage_returns_go()
    {
        string path = _folder.Write("a.txt", "one\r\ntwo\r\n\r\n \r\nthree\r\n");
        Read(path, DocumentUnit.Line).ShouldBe(["one", "two", " ", "three"]);
        Read(path, DocumentUnit.Paragraph).ShouldBe(["one\ntwo", "three"]);
        Read(path).ShouldBe(["one\ntwo\n\n \nthree\n"]);
    }

    [Fact]
    public void A_carriage_return_alone_ends_a_line()
    {
        string path = _folder.Write("a.txt", "one\rtwo\r\rthree\r\nfour\r");
        Read(path, DocumentUnit.Line).ShouldBe(["one", "two", "three", "four"]);
        Read(path).ShouldBe(["one\ntwo\n\nthree\nfour\n"]);
        // Longer than a block: a return at its end may belong to a line feed in the next.
        string[] lines = [.. Enumerable.Range(0, 40_000).Select(i => $"line {i}")];
        foreach (string end in (string[])["\r", "\r\n", "\n"])
            Read(_folder.Write("b.txt", string.Join(end, lines)), DocumentUnit.Line).ShouldBe(lines);
    }

    [Fact]
    public void Given_a_long_file_as_one_document_then_it_travels_in_bounded_pieces_cut_at_line_ends()
    {
        string text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"line {i}\n")) + new string('x', 5000);
        DocumentPiece[] pieces =
            [.. TextSource.Read(_folder.Write("a.txt", text), new() { LongestPiece = 1000 }, _report)];
        string.Concat(pieces.Select(p => p.Text)).ShouldBe(text);
        pieces.ShouldAllBe(p => p.Text.Length <= 1000);
        pieces.Select(p => p.Begins).ShouldBe(pieces.Select((_, i) => i == 0));
        pieces.Select(p => p.Ends).ShouldBe(pieces.Select((_, i) => i == pieces.Length - 1));
        pieces[0].Text.ShouldEndWith("\n");
    }

    [Fact]
    public void Given_a_line_longer_than_the_limit_then_line_documents_are_refused_in_words_and_file_documents_are_read(
        )
    {
        string path = _folder.Write("a.txt", "short\n" + new string('x', 300_000));
        AtelierException e = Should.Throw<AtelierException>(() => Read(path, DocumentUnit.Line, longest: 100_000));
        e.Message.ShouldContain("line 2");
        e.Hint!.ShouldContain("data.document=file");
        Should.Throw<AtelierException>(() => Read(path, DocumentUnit.Paragraph, longest: 100_000));
        string.Concat(Read(path, DocumentUnit.File, longest: 100_000)).Length.ShouldBe(300_006);
    }

    [Fact]
    public void Gzip_is_unpacked_whatever_the_name_says_and_a_cut_one_is_told()
    {
        byte[] packed = Gzip(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 9999))));
        Read(_folder.Write("a.txt.gz", packed))[0].ShouldStartWith("012345");
        Read(_folder.Write("b.txt", packed))[0].ShouldStartWith("012345");
        Should.Throw<AtelierException>(() =>
            Read(_folder.Write("c.txt.gz", packed[..^3000]))).Message.ShouldContain("truncated");
    }

    [Fact]
    public void A_folder_is_read_in_the_order_of_names_and_tells_what_was_left_out()
    {
        _folder.Write("b.txt", "B");
        _folder.Write("sub/a.md", "SA");
        _folder.Write("a.csv", "text\nA1\nA2\n");
        _folder.Write("empty.txt", "");
        _folder.Write("picture.png", "x");
        Read(_folder.Path).ShouldBe(["A1", "A2", "B", "SA"]);
        _report.Notes.Count.ShouldBe(3);
        _report.Encodings.Keys.ShouldBe(["a.csv", "b.txt", "sub/a.md"]);
    }

    [Fact]
    public void Quoted_fields_hold_separators_line_ends_and_quotes()
    {
        string path = _folder.Write("a.csv", "id,text\r\n1,\"a, \"\"b\"\"\nc\"\r\n2,\"\"\r\n\r\n3,plain \"x\"\n");
        Read(path).ShouldBe(["a, \"b\"\nc", "plain \"x\""]);
    }

    [Fact]
    public void Any_table_written_with_quotes_is_read_back()
    {
        Gen<string> field = Gen.Int[0, 5].Select(i => FieldParts[i]).Array[1, 8].Select(string.Concat);
        field.Array[3].Array[1, 5].Sample(rows =>
        {
            string csv = string.Join('\n', rows.Prepend(["x", "text", "y"]).Select(row => string.Join(',',
                row.Select(f => $"\"{f.Replace("\"", "\"\"")}\""))));
            Read(_folder.Write("a.csv", csv)).ShouldBe(rows.Select(row => row[1]));
        }, iter: 200, threads: 1);
    }

    [Theory]
    [InlineData("a.csv", "a,b\n1,2\n", null, "a, b")]
    [InlineData("a.csv", "a,b\n1,2\n", "c", "a, b")]
    [InlineData("a.csv", "text,b\n1,2,3\n", null, "line 2")]
    [InlineData("a.csv", "text\n\"open\n", null, "is not closed")]
    [InlineData("a.csv", "text\n\"a\"b\n", null, "closing quote")]
    [InlineData("a.jsonl", "{\"a\":\"1\",\"b\":\"2\"}", null, "a, b")]
    [InlineData("a.jsonl", "{\"text\":\"1\"}\n{\"b\":\"2\"}", null, "'text'")]
    [InlineData("a.jsonl", "{\"text\":\"1\"}\n{\"text\":", null, "not JSON")]
    [InlineData("a.jsonl", "{\"text\":5}", null, "number")]
    [InlineData("a.jsonl", "{\"text\":\"\\ud800\"}", null, "surrogate")]
    [InlineData("a.json", "{\"text\":\"1\"}", null, "array")]
    [InlineData("a.json", "[1]", null, "not an object")]
    [InlineData("a.parquet", "PAR1 and then nothing", null, "Parquet")]
    [InlineData("a.txt", "words", "text", "plain text")]
    public void Given_a_table_that_does_not_fit_then_it_says_what_and_where(string name, string text, string? column,
        string what)
    {
        AtelierException e = Should.Throw<AtelierException>(() => Read(_folder.Write(name, text), column: column));
        e.Message.ShouldContain(what);
        e.Where!.ShouldContain(name);
    }

    [Fact]
    public void Rows_of_a_text_file_are_refused() =>
        Should.Throw<AtelierException>(() =>
            Read(_folder.Write("a.txt", "words"), DocumentUnit.Row)).Message.ShouldContain("table");

    [Fact]
    public void Json_gives_texts_and_lists_of_lines()
    {
        Read(_folder.Write("a.jsonl", "{\"text\":\"a\\n\\u4f60\"}\n\n{\"text\":null}\n{\"text\":[\"x\",\"y\"]}\n"))
            .ShouldBe(["a\n你", "x\ny"]);
        Read(_folder.Write("a.json", "[{\"p\":[\"x\",\"y\"],\"q\":1},{\"p\":\"z\",\"q\":2}]"), column: "p")
            .ShouldBe(["x\ny", "z"]);
        _report.Notes.ShouldBe(["Using the text in column 'text'."]);
    }

    [Fact]
    public async Task Parquet_gives_the_column_over_all_row_groups_packed_or_not()
    {
        var text = new DataField<string>("text");
        var other = new DataField<string>("other");
        using var bytes = new MemoryStream();
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(other, text), bytes))
            for (int group = 0; group < 2; group++)
            {
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                await rows.WriteAsync(other, new[] { "o", "o", "o" });
                await rows.WriteAsync(text, new[] { $"你{group}", null!, $"b{group}" });
            }
        string[] expected = ["你0", "b0", "你1", "b1"];
        Read(_folder.Write("a.parquet", bytes.ToArray())).ShouldBe(expected);
        Read(_folder.Write("b.parquet.gz", Gzip(bytes.ToArray()))).ShouldBe(expected);
        Should.Throw<AtelierException>(() =>
            Read(_folder["a.parquet"], column: "none")).Message.ShouldContain("other, text");
        byte[] cut = bytes.ToArray()[..^20];
        Should.Throw<AtelierException>(() => Read(_folder.Write("c.parquet", cut)));
    }
}
