using System.Globalization;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Parquet;
using Parquet.Schema;

namespace Atelier.Tests.Data.Tables;

/// <summary>Parquet files of other writers, whose values are known by the formula they were made from.</summary>
public sealed class ParquetTableTests : IDisposable
{
    // Written by DuckDB 1.5 as version-2 pages, zstandard, integers and texts as differences, floats in split byte
    // streams,
    // dictionaries with missing values, and columns of a list and of a structure: SELECT the formulas below FROM
    // range(120).
    private const string Duck =
        "UEFSMRUAFSwVMiwV8AEVABUGFQYAACi1L/0gFoUAAFADAAAA8AEBkiRJAQByDgkVABVkFVYsFfABFQAVBhUGAAAotS/9IDIVAQDQIQAA" +
        "AEH3+/1+v9/vAP//AQD8/wcA4P8/AAACADgkRJQkFQAVLBU+LBXwARUKFQYVBgAAKLUv/SAWsQAAAwAAAPABAYAQCHjnB0oAAAAAAAAA" +
        "ABUAFTIVRCwV8AEVChUGFQYAACi1L/0gGckAAAMAAADwAQGAEAh4AI6g2eYdAAAAAAAAAAAVABUqFTwsFfABFQoVBhUGAAAotS/9IBWp" +
        "AAADAAAA8AEBgBAIeHcCAAAAAAAAAAAVABXKDBXWBCwV8AEVEhUGFQYAACi1L/1gJQINCQCiDzUyYG3SAVMEtkLVcUjYQBB5SRJjkBSc" +
        "y0uSGI/hj9G2tk0aIURKQujqQV/dCnPRgz0QkwEVFBMSn4/H4+l0OhwOZ7O5ruvSaCzLqqqKoqhMRJymSZKkKIIgCMpkMJgIiMvlwWJx" +
        "aKhUGBYoFIXJJAHhwKCAYEAgAOBKSEZCQD46OFojg7evq4zfVv7qquL5q/1VbP6u4i32jxevx9hXXmy9bUbGa77iMTLiNZbX1pZMW561" +
        "tpa/dqbX7ZrXZ5rdzvIa6+ux7B9rzV+//xPB8LjYsLi7KB4AAaYAixreXm9kUQND/Mzwo4LvGwAoWDpwsoM3GowsBwCDnzOAqn8QAWRc" +
        "asARSZhgjZ+ebJVHpcxZymI/PdkqDyhlAQ4xbKULFQAVzgcVtgIsFfABFRIVBhUGAAAotS/9YOcAjQQARAgDAAAA8AEBAIAAQICgwOAA" +
        "ECAwQFBgcICIkJigqLC4wMjQ2ODo8PgABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICChIaIioyOkJKUlpianJ6goqSmqKqs" +
        "rrCytLa4ury+wMLExsjKzM7Q0tTW2Nrc3uDi5Obo6uzuAD4/QEEEEAA0ST1dOG0qDhUAFSwVPiwV8AEVChUGFQYAACi1L/0gFrEAAAMA" +
        "AADwAQGAEAh4APoBAAAAAAAAAAAVABWODhWGAywV8AEVDBUGFQYAACi1L/1ghwLNBQDiiBgZwGc4z986r8W/uv//mySllDJJLl0rYiNb" +
        "Bm/b6RPPyjMz/f///zMzMzMzERERERHv7u7u7szMzMzMqqqqqqps27ZtIiIiIqK2bds+8axMnUPCgFDIIQAxREA4BgXDWIhIIHqoMPbS" +
        "vgGgk4JaAxAimLNvE3VESwJoSfAsCZwlQbMkYAYQru8XKsOej3SPPOqxzyY6mehkopOJTiaKZEN4lLEKIjpsAiOoA3vIB33YPfJKWtnN" +
        "pxUEFTwVOkwVBhUAAAAotS/9IB6lAABgBgAAAGbDpHJnMDEyAgCgiBYFCRUAFc4BFVQsFfABFRAVBhUGAAAotS/9IGcNAQCYIQAAAEG7" +
        "AAJBRCYSmUhkIpGJCAUAwIalustyOECYDOAVABUuFUAsFfABFQoVBhUGAAAotS/9IBe5AAADAAAA8AEBgBAIeIq1AgIAAAAAAAAAABUA" +
        "FTwVTiwV8AEVChUGFQYAACi1L/0gHvEAAAMAAADwAQGAEAh4gMD/+v+giQaAiXoAAAAAAAAAABUAFbYBFVosFeADFQoVBhUGAAAotS/9" +
        "IFslAQDYIQAAAEGqAAADAAAA4AMDgBAI8AEAAAEAVQAAAxAAV8DCDQcVABUqFTwsFfABFQoVBhUGAAAotS/9IBWpAAADAAAA8AECgBAI" +
        "eAACAAAAAAAAAAAVABUsFS4sFfABFQAVBhUGAAAotS/9IBZ1AABAAwAAAPABAlUBADLgAhVAHBwAABwcAAAcHAAAACEAIACCAAgAIAEI" +
        "AAkCAAAAhgAAgAEAIFBAAAAAIEgAFQQZ/BM1ABgNZHVja2RiX3NjaGVtYRUcABUAJQIYA3llcwAVACUCGAVtYXliZQAVAiUCGAV3aG9s" +
        "ZSUiABUEJQIYBWxhcmdlJSQAFQIlAhgEdGlueSUeABUKJQIYBm51bWJlcgAVCCUCGAZzaW5nbGUAFQIlAhgFcHJpY2UlChUGFRIsXBUG" +
        "FRIAAAAVDCUCGARuYW1lJQAAFQwlAhgEd29yZCUAABUCJQIYA2RheSUMABUEJQIYBm1vbWVudCUUTIwSHCwAAAAAADUCGARsaXN0FQIV" +
        "BgA1BBgEbGlzdBUCABUEJQIYB2VsZW1lbnQlJAA1AhgEcGFpchUEABUEJQIYAWElJAAVACUCGAFiABbwARkcGfwPJgAcFQAZFQAZGAN5" +
        "ZXMVDBbwARZQFlYmCDwYAQEYAQAWACgBARgBABERAAAAJgAcFQAZFQAZGAVtYXliZRUMFvABFogBFnomXjwYAQEYAQAWIigBARgBABER" +
        "AAAAJgAcFQIZFQoZGAV3aG9sZRUMFvABFlAWYibYATwYBD8PAAAYBAz+//8WACgEPw8AABgEDP7//xERAAAAJgAcFQQZFQoZGAVsYXJn" +
        "ZRUMFvABFlYWaCa6AjwYCEGbz9NuAAAAGAgAAAAAAAAAABYAKAhBm8/TbgAAABgIAAAAAAAAAAAREQAAACYAHBUCGRUKGRgEdGlueRUM" +
        "FvABFk4WYCaiAzwYBDsAAAAYBMT///8WACgEOwAAABgExP///xERAAAAJgAcFQoZFRIZGAZudW1iZXIVDBbwARbyDBb+BCaCBDwYCAAA" +
        "AAAAADFAGAiSJEmSJEnCPxYwKAgAAAAAAAAxQBgIkiRJkiRJwj8REQAAACYAHBUIGRUSGRgGc2luZ2xlFQwW8AEW9gcW3gImgAk8GAQA" +
        "AO5BGAQAAAAAFgAoBAAA7kEYBAAAAAAREQAAACYAHBUCGRUKGRgFcHJpY2UVDBbwARZQFmIm3gs8GAQbOgAAGAQAAAAAFgAoBBs6AAAY" +
        "BAAAAAAREQAAACYAHBUMGRUMGRgEbmFtZRUMFvABFrYOFq4DJsAMPBgH5ryiw6k5ORgG5ryiw6kwFgAoB+a8osOpOTkYBua8osOpMBER" +
        "AAAAJgAcFQwZFRAZGAR3b3JkFQwW8AEWygIWzgEmwhAm7g8cGAZmw6RyZzIYBmbDpHJnMBY8FgYYBmbDpHJnMhgGZsOkcmcwEREAJsQV" +
        "FV4AACYAHBUCGRUKGRgDZGF5FQwW8AEWUhZkJrwRPBgEvE0AABgERU0AABYAKAS8TQAAGARFTQAAEREAAAAmABwVBBkVChkYBm1vbWVu" +
        "dBUMFvABFmAWciagEjwYCMC7xwaEEgYAGAgA8K//gxIGABYAKAjAu8cGhBIGABgIAPCv/4MSBgAREQAAACYAHBUEGRUKGTgEbGlzdARs" +
        "aXN0B2VsZW1lbnQVDBbgAxbcARaAASaSEzwYCHgAAAAAAAAAGAgAAAAAAAAAABYAKAh4AAAAAAAAABgIAAAAAAAAAAAREQAAACYAHBUE" +
        "GRUKGSgEcGFpcgFhFQwW8AEWThZgJpIUPBgIdwAAAAAAAAAYCAAAAAAAAAAAFgAoCHcAAAAAAAAAGAgAAAAAAAAAABERAAAAJgAcFQAZ" +
        "FQAZKARwYWlyAWIVDBbwARZQFlIm8hQ8GAEBGAEAFgAoAQEYAQAREQAAABawLhbwASYIFrwVACgoRHVja0RCIHZlcnNpb24gdjEuNS42" +
        "IChidWlsZCAwNjljYzlmOWI1KRn8DxwAABwAABwAABwAABwAABwAABwAABwAABwAABwAABwAABwAABwAABwAABwAAABdBQAAUEFSMQ==";

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    private readonly TemporaryFolder _folder = new();
    private readonly ReadingReport _report = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_encoding_of_version_two_pages_is_read()
    {
        using var table = ParquetTable.Open(_folder.Write("duck.parquet", Convert.FromBase64String(Duck)), _report);
        Dictionary<string, string?[]> read = table.Columns.ToDictionary(column => column.Name,
            column => table.Read(column).SelectMany(group => group).ToArray());
        void Check(string column, Func<int, string?> formula) =>
            read[column].ShouldBe(Enumerable.Range(0, 120).Select(formula), $"column {column}");
        static string Truth(bool value) => value ? "true" : "false";
        Check("yes", i => Truth(i % 3 == 1));
        Check("maybe", i => i % 7 == 3 ? null : Truth(i / 20 % 2 == 0));
        Check("whole", i => ((i * 37) - 500).ToString(Invariant));
        Check("large", i => (i * 4000000007L).ToString(Invariant));
        Check("tiny", i => (i - 60).ToString(Invariant));
        Check("number", i => i % 5 == 0 ? null : (i / 7.0).ToString(Invariant));
        Check("single", i => (i / 4f).ToString(Invariant));
        read["price"].Select(text => decimal.Parse(text!, Invariant))
            .ShouldBe(Enumerable.Range(0, 120).Select(i => i / 8m));
        Check("name", i => $"漢é{i}");
        Check("word", i => i % 4 == 2 ? null : $"färg{i % 3}");
        Check("day", i => new DateTime(2024, 2, 28).AddDays(i).ToString("yyyy-MM-dd", Invariant));
        Check("moment",
            i => new DateTime(2024, 2, 29, 12, 0, 0).AddSeconds(i).ToString("yyyy-MM-ddTHH:mm:ss", Invariant));
        Check("pair.b", i => Truth(i % 2 == 0));
        _report.Notes.Single().ShouldContain("ignored");
        _report.Notes.Single().ShouldContain("list");
    }

    [Fact]
    public async Task What_another_writer_wrote_is_read_as_it_was()
    {
        var schema = new ParquetSchema(new DataField<bool>("b"), new DataField<bool?>("m"), new DataField<decimal>("d"),
            new DataField<DateTime>("t"),
            new DataField<ulong>("u"), new DataField<double?>("x"));
        string path = _folder["t.parquet"];
        using (FileStream stream = File.Create(path))
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(schema, stream))
        using (ParquetRowGroupWriter group = writer.CreateRowGroup())
        {
            await group.WriteAsync<bool>(schema.DataFields[0], new[] { true, false, true });
            await group.WriteAsync<bool>(schema.DataFields[1], new bool?[] { null, true, false });
            await group.WriteAsync<decimal>(schema.DataFields[2], new[] { 1.5m, -2.25m, 0m });
            await group.WriteAsync<DateTime>(schema.DataFields[3],
                new[] { DateTime.UnixEpoch, new DateTime(2024, 2, 29, 1, 2, 3, DateTimeKind.Utc), DateTime.UnixEpoch });
            await group.WriteAsync<ulong>(schema.DataFields[4], new[] { ulong.MaxValue, 0ul, 1ul });
            await group.WriteAsync<double>(schema.DataFields[5], new double?[] { 0.1, null, 1e-300 });
        }
        using var table = ParquetTable.Open(path, _report);
        string Column(string name) =>
            string.Join('|', table.ReadGroup(table.Columns.Single(c => c.Name == name), 0).Select(v => v ?? "-"));
        Column("b").ShouldBe("true|false|true");
        Column("m").ShouldBe("-|true|false");
        decimal.Parse(Column("d").Split('|')[1], Invariant).ShouldBe(-2.25m);
        Column("t").ShouldStartWith("1970-01-01T00:00:00|2024-02-29T01:02:03");
        Column("u").ShouldBe("18446744073709551615|0|1");
        Column("x").ShouldBe("0.1|-|1E-300");
        _report.Notes.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(ParquetSharp.ParquetDataPageVersion.V1, ParquetSharp.Encoding.Rle, ParquetSharp.Encoding.DeltaByteArray,
        ParquetSharp.Encoding.DeltaBinaryPacked)]
    [InlineData(ParquetSharp.ParquetDataPageVersion.V2, ParquetSharp.Encoding.Rle, ParquetSharp.Encoding.DeltaByteArray,
        ParquetSharp.Encoding.ByteStreamSplit)]
    [InlineData(ParquetSharp.ParquetDataPageVersion.V2, ParquetSharp.Encoding.Plain,
        ParquetSharp.Encoding.DeltaLengthByteArray, ParquetSharp.Encoding.Plain)]
    public void What_arrow_writes_in_any_encoding_is_read_as_it_was(ParquetSharp.ParquetDataPageVersion version,
        ParquetSharp.Encoding truths, ParquetSharp.Encoding texts, ParquetSharp.Encoding numbers)
    {
        bool?[] truth =
            [.. Enumerable.Range(0, 500).Select(i => i % 9 == 4 ? null : (bool?)(i / 30 % 2 == 0 || i % 5 == 0))];
        // common beginnings end within characters
        string?[] text = [.. Enumerable.Range(0, 500).Select(i => i % 11 == 7 ? null : $"é漢{(char)('一' + i)}")];
        int[] number = [.. Enumerable.Range(0, 500).Select(i => (i * 7919) - 1_000_000)];
        string path = _folder["arrow.parquet"];
        using (var builder = new ParquetSharp.WriterPropertiesBuilder())
        {
            using ParquetSharp.WriterProperties properties = builder.DisableDictionary().DataPageVersion(version)
                .DataPagesize(256)
                .Encoding("truth", truths).Encoding("text", texts).Encoding("number", numbers).Build();
            using var writer = new ParquetSharp.ParquetFileWriter(path,
                [new ParquetSharp.Column<bool?>("truth"), new ParquetSharp.Column<string?>("text"),
                    new ParquetSharp.Column<int>("number")], properties);
            using (ParquetSharp.RowGroupWriter group = writer.AppendRowGroup())
            {
                using (ParquetSharp.LogicalColumnWriter<bool?> column = group.NextColumn().LogicalWriter<bool?>())
                    column.WriteBatch(truth);
                using (ParquetSharp.LogicalColumnWriter<string?> column = group.NextColumn().LogicalWriter<string?>())
                    column.WriteBatch(text);
                using (ParquetSharp.LogicalColumnWriter<int> column = group.NextColumn().LogicalWriter<int>())
                    column.WriteBatch(number);
            }
            writer.Close();
        }
        using var table = ParquetTable.Open(path, _report);
        table.ReadGroup(table.Columns[0], 0)
            .ShouldBe(truth.Select(value => value is { } known ? (known ? "true" : "false") : null));
        table.ReadGroup(table.Columns[1], 0).ShouldBe(text);
        table.ReadGroup(table.Columns[2], 0).ShouldBe(number.Select(value => value.ToString(Invariant)));
    }

    [Fact]
    public void Truth_values_in_runs_of_version_two_pages_are_not_all_false()
    {
        using var table =
            ParquetTable.Open(TestSupport.TestCases.Path("parquet/booleans-run-length-v2.parquet"), _report);
        // Written by parquet-rs: a run of twenty ones and a run of twenty zeros.
        table.ReadGroup(table.Columns[0], 0)
            .ShouldBe([.. Enumerable.Repeat("true", 20), .. Enumerable.Repeat("false", 20)]);
    }
}
