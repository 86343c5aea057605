using System.IO.Compression;
using System.Text;
using Atelier.Abstractions;
using Atelier.Data.Series;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;
using CsCheck;

namespace Atelier.Tests.Data.Tables;

/// <summary>
/// Tables as people's programs write them: other separators and decimal marks, missing cells of every spelling, other
/// encodings.
/// </summary>
public sealed class TableReadingTests : IDisposable
{
    private static readonly TableSection Numbers = new() { Discretise = Discretisation.None };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private TableData Prepare(string path, TableSection? table = null, string? encoding = null) => TableData.Prepare(
        new DataSection { Source = path, Split = SplitSection.None, Table = table ?? Numbers, Encoding = encoding }, 1,
            _folder["data"]);

    private TableData Table(string content, TableSection? table = null, string name = "t.csv") =>
        Prepare(_folder.Write(name, content), table);

    private static string Rows(string header, char separator, Func<int, string[]> row, int count = 30) =>
        header + "\n" + string.Concat(Enumerable.Range(0, count).Select(i => string.Join(separator, row(i)) + "\n"));

    [Theory]
    [InlineData(',', "t.csv")]
    [InlineData(';', "t.csv")]
    [InlineData('\t', "t.csv")]
    [InlineData('|', "t.csv")]
    [InlineData('\t', "t.tsv")]
    [InlineData(';', "t.tsv")]
    public void The_separator_is_found_whatever_the_ending(char separator, string name)
    {
        using TableData data =
            Table(Rows($"g{separator}h{separator}k", separator, i => [i % 2 == 0 ? "a" : "b", "hi", $"{i % 2}"]),
            name: name);
        data.Schema.Names.ShouldBe(["g", "h", "k"]);
        data.Train.Count.ShouldBe(30);
    }

    [Fact]
    public void A_separator_within_quotes_is_none_and_a_named_one_goes_before()
    {
        using TableData quoted = Table("a,b\n\"x;y;z\",1\n\"x;y;w\",2\n");
        quoted.Schema.Names.ShouldBe(["a", "b"]);
        using TableData named = Table("a:b\nx:1\ny:2\n", new() { Separator = ":" });
        named.Schema.Names.ShouldBe(["a", "b"]);
        Should.Throw<AtelierException>(() =>
            Table("a,b\n1,2\n", new() { Separator = "::" })).Where.ShouldBe("data.table.separator");
    }

    [Fact]
    public void Any_table_comes_back_from_any_separator()
    {
        Gen<string> cell = Gen.String[Gen.Char["abc ,;|\"äß中\n"], 1, 6]
            .Where(text => text.Trim().Length > 0 && text != "\n");
        Gen.Select(Gen.Char[",;|"], cell.Array[3].Array[2, 12]).Sample((separator, rows) =>
        {
            string Quote(string text) => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
            string text = $"x{separator}y{separator}z\n"
                + string.Concat(rows.Select(row => string.Join(separator, row.Select(Quote)) + "\n"));
            string path = _folder.Write("any.csv", text);
            string?[][] read =
                [.. TableFile.Read(path, header => header.Separator.ShouldBe(separator), new ReadingOptions(), new())
                .Select(row => row.ToArray())];
            read.ShouldBe(rows);
        }, iter: 50, threads: 1);
    }

    [Theory]
    [InlineData(';')]
    [InlineData('\t')]
    [InlineData('|')]
    public void Decimal_commas_are_numbers(char separator)
    {
        string table = Rows($"x{separator}y{separator}z", separator, i => [$"{i},5", $"1.{i:000},25", $"{-i},125"]);
        using TableData data = Table(table);
        data.Train.Numbers(0).ToArray().Order().ShouldBe(Enumerable.Range(0, 30).Select(i => i + 0.5));
        data.Train.Numbers(1).ToArray().Order().ShouldBe(Enumerable.Range(0, 30).Select(i => 1000.25 + i));
        data.Train.Numbers(2).ToArray().OrderDescending()
            .ShouldBe(Enumerable.Range(0, 30).Select(i => i == 0 ? 0.125 : -i - 0.125).OrderDescending());
        data.Notes.ShouldContain("Decimal commas were detected in columns x, y, z.");
    }

    [Fact]
    public void Commas_between_thousands_are_told_from_decimal_ones()
    {
        using TableData thousands = Table(Rows("x,y", ',', i => [$"\"{i + 1},500\"", "a"]));
        thousands.Train.Numbers(0).ToArray().Min().ShouldBe(1500);
        using TableData decimals = Table(Rows("x,y", ',', i => [$"\"{i},5\"", "a"]));
        decimals.Train.Numbers(0).ToArray().Max().ShouldBe(29.5);
        using TableData asked = Table(Rows("x,y", ',', i => [$"\"{i + 1},500\"", "a"]), Numbers with { Decimal = "," });
        asked.Train.Numbers(0).ToArray().Min().ShouldBe(1.5);
    }

    [Theory]
    [InlineData("１")] // wide digits
    [InlineData("1e309")]
    [InlineData("²")]
    public void What_is_no_number_of_ours_is_not_said_to_have_decimal_commas(string digits)
    {
        using TableData data =
            Table(Rows("x,y", ',', i => [string.Concat(Enumerable.Repeat(digits, (i % 3) + 1)), "a"]));
        data.Schema.Columns[0].IsNumeric.ShouldBeFalse();
        data.Notes.ShouldNotContain(note => note.Contains("comma", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?")]
    [InlineData("NA")]
    [InlineData("N/A")]
    [InlineData("n/a")]
    [InlineData("NaN")]
    [InlineData("nan")]
    [InlineData("null")]
    [InlineData("NULL")]
    [InlineData("None")]
    [InlineData(" nan ")]
    public void A_missing_cell_leaves_a_column_of_numbers_one(string missing)
    {
        using TableData data = Table(Rows("g,x", ',', i => [i % 2 == 0 ? "a" : "b", i == 3 ? missing : $"{i}.5"]));
        data.Schema.Columns[1].IsNumeric.ShouldBeTrue();
        data.Train.Numbers(1).ToArray().Count(double.IsNaN).ShouldBe(1);
    }

    [Fact]
    public void None_among_names_is_a_name()
    {
        using TableData data = Table("damage\nNone\nMild\nnan\nSevere\n");
        data.Schema.Columns[0].Levels.ShouldBe(["Mild", "None", "Severe"]);
    }

    [Fact]
    public void A_few_cells_that_are_no_numbers_among_many_that_are_are_refused_by_name()
    {
        string table = Rows("x", ',', i => [i == 7 ? "inf" : $"{i}.25"]);
        AtelierException e = Should.Throw<AtelierException>(() => Table(table));
        e.Message.ShouldBe("'inf' in column 'x' is not a number, as 29 of its 30 different values are");
        e.Hint!.ShouldContain("data.table.missing");
        using TableData names = Table(table, new() { Categorical = ["x"] });
        names.Schema.Columns[0].Levels.Count.ShouldBe(30);
    }

    [Theory]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("\\N")]
    [InlineData("nil")]
    public void Markers_in_a_column_of_numbers_are_missing_values_and_a_note_says_so(string marker)
    {
        string table = Rows("g,x", ',', i => [i % 2 == 0 ? "-" : "a", i % 8 == 3 ? marker : $"{i}.5"], 40);
        using TableData data = Table(table);
        data.Schema.Columns[1].IsNumeric.ShouldBeTrue();
        data.Train.Numbers(1).ToArray().Count(double.IsNaN).ShouldBe(5);
        data.Schema.Columns[0].Levels.ShouldBe(["-", "a"]);
        data.Notes.ShouldContain(
            $"Read '{marker}' as missing values in column x (data.table.categorical keeps them).");
        using TableData names = Table(table, new() { Categorical = ["x"] });
        names.Schema.Columns[1].Levels.ShouldContain(marker);
        names.Notes.ShouldNotContain(note => note.Contains("missing", StringComparison.Ordinal));
    }

    [Fact]
    public void All_markers_in_one_column_are_missing_values_and_infinity_is_refused()
    {
        string[] markers = ["-", ".", "\\N", "nil", "inf"];
        Should.Throw<AtelierException>(() =>
            Table(Rows("x", ',', i => [i < 5 ? markers[i] : $"{i}.25"], 41))).Message
            .ShouldBe("'inf' in column 'x' is not a number, as 36 of its 37 different values are");
    }

    [Fact]
    public void A_column_with_more_numbers_than_other_values_is_categories_and_a_note_says_so()
    {
        using TableData data = Table(Rows("x", ',', i => [i % 4 == 0 ? $"A{i}" : $"{i}.25"], 40));
        data.Schema.Columns[0].Levels.Count.ShouldBe(40);
        data.Notes.ShouldContain("Column x is read as categories, because 10 of its 40 different values are not "
            + "numbers: 'A0', 'A4', 'A8', 'A12', 'A16' (data.table.missing).");
    }

    [Fact]
    public void A_marker_that_a_model_knows_as_a_level_stays_one()
    {
        string path = _folder.Write("t.csv", Rows("x", ',', i => [i == 3 ? "-" : $"{i}.5"]));
        TableSchema known = new([new("x", ["-", .. Enumerable.Range(0, 30).Select(i => $"{i}.5")], [])]);
        using TableData data = TableData.Prepare(new DataSection { Source = path, Split = SplitSection.None }, 1,
            _folder["other"], known);
        data.Train.Codes(0).ToArray().Count(code => code == 0).ShouldBe(1, "it is no missing value");
    }

    [Theory]
    [InlineData("sep=;\na;b\n1;2,5\n", ";")]
    [InlineData("sep=;\r\na;b\r\n1;2\r\n", ";")]
    [InlineData("SEP=,\na,b\nx;y;z,w;v;u\n", ",")]
    [InlineData("sep=\t\na\tb\n1\t2\n", "a tab")]
    public void A_first_line_of_excels_names_the_separator(string table, string separator)
    {
        using TableData data = Table(table);
        data.Schema.Names.ShouldBe(["a", "b"], separator);
        data.Train.Count.ShouldBe(1);
    }

    [Fact]
    public void After_a_line_that_names_the_separator_lines_keep_their_numbers() =>
        Should.Throw<AtelierException>(() => Table("sep=;\na;b\n1;2\n3\n")).Message
            .ShouldStartWith("line 4 has 1 field");

    [Fact]
    public void Lines_that_end_in_carriage_returns_alone_are_rows()
    {
        using TableData data = Table("a,b\rx,1\ry,2\r");
        data.Schema.Names.ShouldBe(["a", "b"]);
        data.Train.Count.ShouldBe(2);
    }

    [Fact]
    public void A_column_without_a_name_gets_one_and_a_note_says_so()
    {
        using TableData data = Table("\"\",a, \n1,x,u\n2,y,v\n");
        data.Schema.Names.ShouldBe(["column1", "a", "column3"]);
        data.Notes.ShouldContain("The header of t.csv has empty names: they were replaced by column1, column3.");
    }

    [Fact]
    public void A_first_row_of_numbers_names_no_columns()
    {
        using TableData data =
            Table("1.5,2\n2.5,3\n3.5,2\n", new() { Numeric = ["column1"], Discretise = Discretisation.None });
        data.Schema.Names.ShouldBe(["column1", "column2"]);
        data.Train.Count.ShouldBe(3);
        using TableData years = Table("2019,2020\n2.5,3\n3.5,2\n");
        years.Schema.Names.ShouldBe(["2019", "2020"]);
        using TableData told = Table("2019,2020\n2.5,3\n3.5,2\n", new() { Header = false });
        told.Train.Count.ShouldBe(3);
    }

    [Theory]
    [InlineData(';', "a;b\n1;2\n3\n", 3)]
    [InlineData('|', "a|b\n1|2\n3|4\n5|6|7\n", 4)]
    public void A_row_of_another_length_is_refused_with_its_line(char separator, string table, int line) =>
        Should.Throw<AtelierException>(() =>
            Table(table, new() { Separator = $"{separator}" })).Message.ShouldContain($"line {line} has");

    [Theory]
    [InlineData(936, "城市;人口\n北京;2189,31\n上海;2487,09\n")]
    [InlineData(932, "都市;人口\n東京です;1404,7\nおおさか;884,1\n")]
    [InlineData(1252, "Größe;Länge\nschön;1,5\ngroß;2,5\n")]
    public void Tables_of_other_encodings_are_read(int codePage, string table)
    {
        byte[] bytes = CodePagesEncodingProvider.Instance.GetEncoding(codePage)!.GetBytes(table);
        using TableData data = Prepare(_folder.Write("t.csv", bytes));
        data.Schema.Names.ShouldBe(table.Split('\n')[0].Split(';'));
        using TableData marked = Prepare(_folder.Write("u.csv", [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(table)]));
        marked.Schema.Columns.Select(c => string.Join('|', c.Levels))
            .ShouldBe(data.Schema.Columns.Select(c => string.Join('|', c.Levels)));
    }

    [Fact]
    public void Columns_of_numbers_become_quantiles_on_request_and_one_line_says_so()
    {
        using TableData data =
            Table(Rows("x,y", ',', i => [$"{i}", $"{i * i}"]), new() { Discretise = Discretisation.Quantile });
        data.Schema.Columns.ShouldAllBe(column => column.Levels.Count == 5);
        data.Notes.ShouldBe(
            ["Discretised columns x, y by quantiles into at most 5 levels each (data.table.discretise, "
                + "data.table.bins)."]);
        Enumerable.Range(0, 5).Select(level => data.Train.Codes(0).ToArray().Count(code => code == level))
            .ShouldAllBe(count => count >= 5 && count <= 7);
    }

    [Fact]
    public void A_series_is_read_by_the_same_rules()
    {
        string path = _folder.Write("s.csv", Rows("t;x;y", ';', i => [$"s{i / 10}", $"{i},5", $"{i}"]));
        var section = new DataSection { Source = path, Table = new() { Sequence = "t" } };
        (IReadOnlyList<string> columns, List<double[]> sequences) = SeriesFile.Read(section, null, new());
        columns.ShouldBe(["x", "y"]);
        sequences.Count.ShouldBe(3);
        sequences[1].Take(4).ShouldBe([10.5, 10, 11.5, 11]);
        _folder.Write("s.csv", "x\n1\nnull\n3\n");
        Should.Throw<AtelierException>(() => SeriesFile.Read(new DataSection { Source = path }, null, new())).Message
            .ShouldBe("the cell in column 'x' of row 3 is missing");
    }

    [Theory]
    [InlineData("start.csv")]
    [InlineData("start.csv.gz")]
    public void A_series_that_a_request_brings_is_read_as_a_file_is(string name)
    {
        byte[] text = Encoding.UTF8.GetBytes(Rows("y;x", ';', i => [$"{i}", $"{i},5"]));
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress))
            gzip.Write(text);
        var input = new InputData(name.EndsWith(".gz", StringComparison.Ordinal) ? packed.ToArray() : text, name);
        double[] series = SeriesFile.Read(input, ["x", "y"]).ShouldHaveSingleItem();
        series.Take(4).ShouldBe([0.5, 0, 1.5, 1]);
        File.WriteAllBytes(_folder[name], input.Content.ToArray());
        series.ShouldBe(SeriesFile.Read(new DataSection { Source = _folder[name] }, ["x", "y"], new()).Sequences[0]);
        Should.Throw<AtelierException>(() => SeriesFile.Read(input, ["x", "z"])).Where.ShouldBe(name);
        Should.Throw<AtelierException>(() => SeriesFile.Read(input with { Content = default }, ["x"])).ToLine()
            .ShouldStartWith($"{name}: is empty");
    }

    [Theory]
    [InlineData("tables/semicolon.csv", "g,h,k")]
    [InlineData("tables/nan-small.csv", "g,h,k")]
    [InlineData("tables/nan-number.csv", "g,x")]
    public void Tables_that_once_failed_are_read(string name, string columns)
    {
        using TableData data = Prepare(TestSupport.TestCases.Path(name));
        string.Join(',', data.Schema.Names).ShouldBe(columns);
        data.Schema.Columns.ShouldAllBe(column => !column.Levels.Contains("nan"));
        if (name.EndsWith("number.csv", StringComparison.Ordinal))
            data.Schema.Columns[1].IsNumeric.ShouldBeTrue();
    }
}
