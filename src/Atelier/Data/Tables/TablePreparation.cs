using System.Globalization;
using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tables;

/// <summary>The way from a table's files to rows: read, find out what the columns hold, share out, make levels of numbers.</summary>
internal sealed class TablePreparation(
    DataSection section, long seed, TableSchema? known, IProgress<string>? progress, CancellationToken cancellation)
{
    private const int FewNumbers = 10; // a column of numbers with no more different values is taken for levels
    private const int RowsPerReport = 1_000_000;

    private readonly ReadingReport _report = new();

    /// <summary>Choices made for the user, one sentence each.</summary>
    public IReadOnlyList<string> Notes => _report.Notes;

    /// <summary>The rows, and the numbers of those of each part: training, validation, test.</summary>
    public (TableRows Rows, IReadOnlyList<int>[] Parts) Run()
    {
        RawColumn[] columns = ReadColumns(out int count);
        if (count == 0)
            throw new AtelierException("has no rows", section.Source, "bring a table with rows below its header");
        IReadOnlyList<int>[] parts = Share(count);
        TableSection options = section.Table;
        CheckNames(options.Numeric.Concat(options.Categorical), columns);
        var schema = known ?? new TableSchema([.. columns.Select(column => Describe(column, parts[0]))]);
        var codes = new int[]?[columns.Length];
        var numbers = new double[]?[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            ColumnSchema column = schema.Columns[i];
            if (column.IsNumeric)
                numbers[i] = columns[i].Numbers(section.Source);
            else
                codes[i] = columns[i].Codes(column, section.Source);
        }
        return (new TableRows(schema, count, codes, numbers), parts);
    }

    /// <summary>The rows of each part, shuffled by the seed where the recipe says so.</summary>
    private IReadOnlyList<int>[] Share(int count)
    {
        // Rows of few levels are alike by chance: unlike documents, equal ones need not stay together.
        ulong[] contents = [.. Enumerable.Range(0, count).Select(i => (ulong)i)];
        var split = new DocumentSplit(contents, section.Split, seed);
        IReadOnlyList<int>[] parts = [.. new[] { Part.Train, Part.Validation, Part.Test }.Select(part => (IReadOnlyList<int>)[.. split.Documents(part)])];
        if (parts[0].Count == 0 && section.Split.Train > 0)
            throw new AtelierException("there are no rows to learn from", section.Source, "bring more rows, or set data.split to none");
        return parts;
    }

    private RawColumn[] ReadColumns(out int count)
    {
        RawColumn[]? columns = null;
        int[] places = [];
        int rows = 0;
        var missing = new HashSet<string>(section.Table.Missing);
        foreach (string path in SourceFiles.Find(section.Source, _report, progress, cancellation).Expand("csv", "tsv", "parquet"))
        {
            foreach (IReadOnlyList<string?> cells in TableFile.Read(path, names => places = Begin(names, path, ref columns), _report))
            {
                for (int i = 0; i < places.Length; i++)
                    columns![i].Add(cells[places[i]] is { } cell && !missing.Contains(cell) ? cell : null);
                if (++rows % RowsPerReport != 0)
                    continue;
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(FormattableString.Invariant($"reading: {rows:N0} rows"));
            }
        }
        progress?.Report(FormattableString.Invariant($"read {rows:N0} rows of {columns?.Length ?? 0} columns"));
        count = rows;
        return columns ?? [];
    }

    /// <summary>The places of the chosen columns in a file that begins.</summary>
    private int[] Begin(IReadOnlyList<string> names, string path, ref RawColumn[]? columns)
    {
        if (names.Distinct().Count() != names.Count)
            throw new AtelierException($"two columns have the name '{names.First(n => names.Count(m => m == n) > 1)}'", path, "rename one");
        IReadOnlyList<string> wanted = known?.Names ?? (section.Table.Columns.Count > 0 ? section.Table.Columns : columns is null ? names : [.. columns.Select(c => c.Name)]);
        foreach (string name in wanted.Where(name => !names.Contains(name)))
            throw new AtelierException($"has no column '{name}'; its columns are {string.Join(", ", names.Take(50))}", path, "name columns that it has");
        columns ??= [.. wanted.Select(name => new RawColumn(name))];
        return [.. wanted.Select(name => Enumerable.Range(0, names.Count).First(i => names[i] == name))];
    }

    private static void CheckNames(IEnumerable<string> names, RawColumn[] columns)
    {
        foreach (string name in names.Where(name => columns.All(c => c.Name != name)))
            throw new AtelierException($"there is no column '{name}'", "data.table", $"there are {string.Join(", ", columns.Take(50).Select(c => c.Name))}");
    }

    private ColumnSchema Describe(RawColumn column, IReadOnlyList<int> training)
    {
        TableSection options = section.Table;
        bool numbers = column.Values.All(value => ColumnSchema.TryNumber(value, out _));
        if (options.Numeric.Contains(column.Name) && !numbers)
        {
            throw new AtelierException($"'{column.Values.First(value => !ColumnSchema.TryNumber(value, out _))}' in column '{column.Name}' is no number",
                section.Source, "add it to data.table.missing, or take the column out of data.table.numeric");
        }
        bool numeric = numbers && !options.Categorical.Contains(column.Name)
            && (column.Values.Count > FewNumbers || options.Numeric.Contains(column.Name));
        if (!numeric)
        {
            IEnumerable<string> levels = numbers
                ? column.Values.OrderBy(value => double.Parse(value, CultureInfo.InvariantCulture)).ThenBy(value => value, StringComparer.Ordinal)
                : column.Values.Order(StringComparer.Ordinal);
            ColumnSchema schema = new(column.Name, [.. levels], []);
            return schema.Levels.Count > 0 ? schema : throw new AtelierException($"the column '{column.Name}' has no values", section.Source, "leave it out with data.table.columns");
        }
        if (options.Discretise == Discretisation.None)
        {
            _report.Note($"The column '{column.Name}' holds numbers.");
            return new ColumnSchema(column.Name, [], []);
        }
        double[] all = column.Numbers(section.Source);
        IReadOnlyList<double> cuts = Discretiser.Cuts([.. training.Select(row => all[row]).Where(double.IsFinite)], options.Discretise, options.Bins);
        _report.Note(FormattableString.Invariant($"The numbers of column '{column.Name}' became {cuts.Count + 1} levels."));
        return new ColumnSchema(column.Name, Discretiser.Levels(cuts), cuts);
    }
}
