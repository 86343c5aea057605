using Atelier.Data.Tables;
using Atelier.Recipes;
using Parquet;
using Parquet.Schema;

namespace Atelier.Tests.Data.Tables;

public sealed class TableDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private DataSection Section(string content, TableSection? table = null, SplitSection? split = null,
        string name = "t.csv")
    {
        File.WriteAllText(_folder[name], content);
        return new DataSection { Source = _folder[name], Table = table
            ?? new() { Discretise = Discretisation.None }, Split = split ?? SplitSection.None };
    }

    private TableData Prepare(DataSection section) => TableData.Prepare(section, 1, _folder["data"]);

    [Fact]
    public void Cells_come_back_as_they_stand_in_the_file_levels_in_order_and_missing_ones_missing()
    {
        using TableData data =
            Prepare(Section("who,\"how much\",n\nb,1.5,10\n\"a,c\",NA,9\nb,-2e3,\n,0,11\n",
            new() { Numeric = ["how much"], Discretise = Discretisation.None }));
        data.Schema.Names.ShouldBe(["who", "how much", "n"]);
        data.Schema.Columns[0].Levels.ShouldBe(["a,c", "b"]);
        data.Schema.Columns[2].Levels.ShouldBe(["9", "10", "11"],
            "few numbers are levels, in the order of their values");
        data.Train.Count.ShouldBe(4);
        var rows = Enumerable.Range(0, 4)
            .Select(i => (Who: data.Train.Codes(0)[i], Much: data.Train.Numbers(1)[i], N: data.Train.Codes(2)[i]))
            .ToHashSet();
        rows.ShouldBe([(1, 1.5, 1), (0, double.NaN, 0), (1, -2000, TableRows.Missing), (TableRows.Missing, 0, 2)],
            ignoreOrder: true);
    }

    [Fact]
    public void Every_row_goes_to_one_part_and_the_same_seed_shares_them_alike()
    {
        string table = "x\n" + string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i}\n"));
        DataSection section = Section(table, split: new() { Train = 0.7, Validation = 0.1, Test = 0.2 });
        using TableData first = Prepare(section);
        double[] train = first.Train.Numbers(0).ToArray(), validation = first.Validation.Numbers(0).ToArray(),
            test = first.Test.Numbers(0).ToArray();
        (train.Length, validation.Length, test.Length).ShouldBe((700, 100, 200));
        train.Concat(validation).Concat(test).Order().ShouldBe(Enumerable.Range(0, 1000).Select(i => (double)i));
        using TableData second = Prepare(section);
        second.Train.Numbers(0).ToArray().ShouldBe(train);
    }

    [Theory]
    [InlineData(Discretisation.Width, 4, new[] { 2.5, 5.0, 7.5 })]
    [InlineData(Discretisation.Quantile, 2, new[] { 5.0 })]
    public void Numbers_become_levels_on_request(Discretisation kind, int bins, double[] cuts)
    {
        string table = "x\n" + string.Concat(Enumerable.Range(0, 11).Select(i => $"{i}\n"));
        using TableData data = Prepare(Section(table, new() { Discretise = kind, Bins = bins }));
        ColumnSchema column = data.Schema.Columns[0];
        column.Cuts.ShouldBe(cuts);
        column.Levels.Count.ShouldBe(cuts.Length + 1);
        data.Train.Codes(0).ToArray().Order().ShouldBe(Enumerable.Range(0, 11).Select(i => cuts.Count(cut => i > cut)));
        column.Code("2.5").ShouldBe(column.CodeOf(2.5));
        column.Code(column.Levels[0]).ShouldBe(0);
    }

    [Fact]
    public async Task Parquet_gives_what_the_same_table_in_text_gives()
    {
        var schema = new ParquetSchema(new DataField<string>("name"), new DataField<int?>("n"),
            new DataField<double>("x"));
        string path = _folder["t.parquet"];
        using (FileStream stream = File.Create(path))
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(schema, stream))
        using (ParquetRowGroupWriter group = writer.CreateRowGroup())
        {
            await group.WriteAsync(schema.DataFields[0], (string[])["b", "a"]);
            await group.WriteAsync<int>(schema.DataFields[1], new int?[] { 3, null });
            await group.WriteAsync<double>(schema.DataFields[2], new[] { 0.5, -1 });
        }
        var table = new TableSection { Numeric = ["x"], Discretise = Discretisation.None };
        using TableData packed =
            TableData.Prepare(new DataSection { Source = path, Split = SplitSection.None, Table = table }, 1,
            _folder["p"]);
        using TableData text = Prepare(Section("name,n,x\nb,3,0.5\na,,-1\n", table));
        packed.Schema.Columns.Select(c => string.Join('|', c.Levels))
            .ShouldBe(text.Schema.Columns.Select(c => string.Join('|', c.Levels)));
        for (int i = 0; i < 2; i++)
            packed.Train.Codes(i).ToArray().ShouldBe(text.Train.Codes(i).ToArray());
        packed.Train.Numbers(2).ToArray().ShouldBe(text.Train.Numbers(2).ToArray());
    }

    [Theory]
    [InlineData("a,b\n1,2\n3\n", "line 3 has 1 field")]
    [InlineData("a,a\n1,2\n", "two columns have the name 'a'")]
    [InlineData("a,b\n", "has no rows")]
    [InlineData("a,b\nx,NA\n", "has no values")]
    [InlineData("", "is empty")]
    public void A_table_that_is_none_is_refused(string content, string message) =>
        Should.Throw<AtelierException>(() => Prepare(Section(content))).Message.ShouldContain(message);

    [Fact]
    public void Unknown_columns_and_numbers_that_are_none_are_told()
    {
        Should.Throw<AtelierException>(() =>
            Prepare(Section("a\nx\n", new() { Columns = ["c"] }))).Message.ShouldContain("no column 'c'");
        Should.Throw<AtelierException>(() =>
            Prepare(Section("a\nx\n",
            new() { Numeric = ["a"] }))).Message.ShouldContain("'x' in column 'a' is not a number");
    }

    [Fact]
    public void Rows_of_a_judged_model_must_have_its_columns_and_levels()
    {
        using TableData data = Prepare(Section("a,b\nx,1\ny,2\n"));
        TableSchema known = data.Schema;
        using TableData other = TableData.Prepare(Section("b,a\n2,y\n", name: "u.csv"), 1, _folder["other"], known);
        other.Train.Codes(0)[0].ShouldBe(1);
        Should.Throw<AtelierException>(() =>
            TableData.Prepare(Section("a,b\nz,1\n", name: "v.csv"), 1, _folder["v"], known))
            .Message.ShouldContain("'z' is not a level of column 'a'");
    }

    [Fact]
    public void A_damaged_folder_is_refused()
    {
        Prepare(Section("a\nx\ny\n")).Dispose();
        string rows = Path.Combine(_folder["data"], "train.safetensors");
        byte[] bytes = File.ReadAllBytes(rows);
        bytes[^1] = 0x40; // a code far beyond the levels
        File.WriteAllBytes(rows, bytes);
        Should.Throw<AtelierException>(() => TableData.Open(_folder["data"])).Message.ShouldContain("does not fit");
        File.Delete(Path.Combine(_folder["data"], "facts.json"));
        Should.Throw<AtelierException>(() => TableData.Open(_folder["data"])).Message.ShouldContain("cannot be read");
    }
}
