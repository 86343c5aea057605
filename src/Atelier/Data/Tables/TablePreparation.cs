using System.Globalization;
using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tables;

/// <summary>
/// Prepares the rows of a table: reads its files, detects column types, splits the rows and discretises numbers.
/// </summary>
/// <param name="section">The data section of the recipe.</param>
/// <param name="seed">The seed of the split.</param>
/// <param name="known">The columns of the model to evaluate on these rows; null to detect the columns.</param>
/// <param name="progress">Receives a one-line message at each stage.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class TablePreparation(
    DataSection section, long seed, TableSchema? known, IProgress<string>? progress, CancellationToken cancellation)
{
    private const int FewNumbers = 10; // a column of numbers with no more different values is taken for levels
    private const int MostNamed = 10; // columns that a note names
    private const int MostQuoted = 5; // values that a note names
    private const int RowsPerReport = 1_000_000;

    private readonly ReadingReport _report = new(progress, cancellation);

    /// <summary>Creates a preparation that only reads columns, and adds its notes to the given report.</summary>
    public TablePreparation(DataSection section, ReadingReport report, IProgress<string>? progress,
        CancellationToken cancellation)
        : this(section, 0, null, progress, cancellation) => _report = report;

    /// <summary>Choices made automatically, one sentence each.</summary>
    public IReadOnlyList<string> Notes => _report.Notes;

    /// <summary>Returns the rows, and the row indices of each part in the order training, validation, test.</summary>
    public (TableRows Rows, IReadOnlyList<int>[] Parts) Run()
    {
        RawColumn[] columns = ReadColumns(out int count);
        if (count == 0)
            throw new AtelierException("has no rows", section.Source, "provide a table with rows below its header");
        IReadOnlyList<int>[] parts = Share(count);
        TableSection options = section.Table;
        CheckNames(options.Numeric.Concat(options.Categorical), columns);
        var schema = known ?? new TableSchema([.. columns.Select(column => Describe(column, parts[0]))]);
        if (known is null)
            TellOfNumbers(schema);
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

    /// <summary>Returns the row indices of each part, shuffled by the seed if the recipe asks for it.</summary>
    private IReadOnlyList<int>[] Share(int count)
    {
        // Rows with few levels are often equal by chance. Unlike equal documents, they need not stay in one part, so
        // each row's content is its own index.
        ulong[] contents = [.. Enumerable.Range(0, count).Select(i => (ulong)i)];
        var split = new DocumentSplit(contents, section.Split, seed);
        IReadOnlyList<int>[] parts =
            [[.. split.Documents(Part.Train)], [.. split.Documents(Part.Validation)], [.. split.Documents(Part.Test)]];
        if (parts[0].Count == 0 && section.Split.Train > 0)
            throw new AtelierException("there are no rows to train on", section.Source,
                "provide more rows, or set data.split to none");
        return parts;
    }

    /// <summary>The chosen columns of all files, with their numbers as 1234.5.</summary>
    /// <param name="count">The number of rows.</param>
    /// <param name="input">A file to read in place of the section's source.</param>
    /// <exception cref="AtelierException">A file is missing, damaged, no table, or lacks a column.</exception>
    public RawColumn[] ReadColumns(out int count, FileSource? input = null)
    {
        RawColumn[]? columns = null;
        int[] places = [];
        int rows = 0;
        char? separator = null;
        var missing = new HashSet<string>(section.Table.Missing);
        var options = ReadingOptions.Of(section);
        foreach (FileSource file in input is { } only ? [only] : Files())
        {
            void Header(TableHeader header)
            {
                separator = separator is null or ',' ? header.Separator : separator;
                places = Begin(header.Columns, file.Name, ref columns);
            }

            foreach (IReadOnlyList<string?> cells in TableFile.Read(file, Header, options, _report))
            {
                for (int i = 0; i < places.Length; i++)
                    columns![i].Add(cells[places[i]] is { } cell && !missing.Contains(cell.Trim()) ? cell : null);
                if (++rows % RowsPerReport != 0)
                    continue;
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(FormattableString.Invariant($"reading: {Quantity.Of(rows, "row")}"));
            }
        }
        string size = $"{Quantity.Of(rows, "row")} of {Quantity.Of(columns?.Length ?? 0, "column")}";
        progress?.Report($"read {size}");
        count = rows;
        Settle(columns ?? [], separator);
        return columns ?? [];

        IEnumerable<FileSource> Files() => SourceFiles.Find(section.Source, _report, progress, cancellation)
            .Expand(_report, "csv", "tsv", "parquet").Select(path => (FileSource)path);
    }

    /// <summary>Rewrites all numbers in the notation 1234.5, whatever notation the file uses.</summary>
    private void Settle(RawColumn[] columns, char? separator)
    {
        char? mark = section.Table.Decimal switch
        {
            null => null,
            "." => '.',
            "," => ',',
            var other => throw new AtelierException($"'{other}' is not a decimal mark", "data.table.decimal",
                "write \".\" or \",\""),
        };
        RawColumn[] free = [.. columns.Where(c => !section.Table.Categorical.Contains(c.Name))];
        foreach (RawColumn column in free.Where(HoldsNumbers))
        {
            IReadOnlyList<string> markers = MissingMarkers.Remove(column);
            if (markers.Count > 0)
                _report.Note($"Read {Quoted(markers)} as missing values in column {column.Name} "
                    + "(data.table.categorical keeps them).");
        }
        string[] commas =
            [.. free.Where(c => NumberNotation.Settle(c, separator, mark)).Select(c => c.Name)];
        if (commas.Length > 0)
            _report.Note($"Decimal commas were detected in {Names(commas)}.");
        if (known is null)
        {
            foreach (RawColumn column in free)
                NoteStrays(column);
        }
    }

    /// <summary>Whether a column may hold numbers: a model's column may hold names that look like markers.</summary>
    private bool HoldsNumbers(RawColumn column) =>
        known is null || known.Columns[known.IndexOf(column.Name)] is { IsNumeric: true } or { Cuts.Count: > 0 };

    /// <summary>Notes a column with more numbers than other values, which is not read as numbers.</summary>
    private void NoteStrays(RawColumn column)
    {
        string[] strays = Strays(column);
        int numbers = column.Values.Count - strays.Length;
        if (strays.Length > 0 && numbers > FewNumbers && numbers > strays.Length)
            _report.Note($"Column {column.Name} is read as categories, because "
                + $"{strays.Length} of its {column.Values.Count} different values "
                + $"{(strays.Length == 1 ? "is not a number" : "are not numbers")}: {Quoted(strays)} "
                + "(data.table.missing).");
    }

    private static string[] Strays(RawColumn column) =>
        [.. column.Values.Where(value => !ColumnSchema.TryNumber(value, out _))];

    private static string Quoted(IReadOnlyList<string> values) =>
        string.Join(", ", values.Take(MostQuoted).Select(value => $"'{value}'"));

    private static string Names(IReadOnlyCollection<string> columns) => (columns.Count == 1 ? "column " : "columns ")
        + string.Join(", ", columns.Take(MostNamed))
        + (columns.Count > MostNamed ? $" and {columns.Count - MostNamed} more" : "");

    /// <summary>Returns the indices of the chosen columns among a file's columns, once its header is known.</summary>
    private int[] Begin(IReadOnlyList<string> names, string path, ref RawColumn[]? columns)
    {
        if (names.Distinct().Count() != names.Count)
            throw new AtelierException($"two columns have the name '{names.First(n => names.Count(m => m == n) > 1)}'",
                path, "rename one");
        IReadOnlyList<string> wanted = known?.Names
            ?? (section.Table.Columns.Count > 0 ? section.Table.Columns
                : columns is null ? names
                : [.. columns.Select(c => c.Name)]);
        foreach (string name in wanted.Where(name => !names.Contains(name)))
            throw new AtelierException($"has no column '{name}'; its columns are {string.Join(", ", names.Take(50))}",
                path, "use existing columns");
        columns ??= [.. wanted.Select(name => new RawColumn(name))];
        return [.. wanted.Select(name => Enumerable.Range(0, names.Count).First(i => names[i] == name))];
    }

    private static void CheckNames(IEnumerable<string> names, RawColumn[] columns)
    {
        foreach (string name in names.Where(name => columns.All(c => c.Name != name)))
            throw new AtelierException($"there is no column '{name}'", "data.table",
                $"there are {string.Join(", ", columns.Take(50).Select(c => c.Name))}");
    }

    private ColumnSchema Describe(RawColumn column, IReadOnlyList<int> training)
    {
        TableSection options = section.Table;
        bool numbers = column.Values.All(value => ColumnSchema.TryNumber(value, out _));
        if (options.Numeric.Contains(column.Name) && !numbers)
        {
            throw new AtelierException(
                $"'{column.Values.First(value => !ColumnSchema.TryNumber(value, out _))}' in column '{column.Name}' "
                    + $"is not a number",
                section.Source, "add it to data.table.missing, or remove the column from data.table.numeric");
        }
        RefuseStrays(column, numbers);
        bool numeric = numbers && !options.Categorical.Contains(column.Name)
            && (column.Values.Count > FewNumbers || options.Numeric.Contains(column.Name));
        if (!numeric)
        {
            IEnumerable<string> levels = numbers
                ? column.Values.OrderBy(value => double.Parse(value, CultureInfo.InvariantCulture))
                    .ThenBy(value => value, StringComparer.Ordinal)
                : column.Values.Order(StringComparer.Ordinal);
            ColumnSchema schema = new(column.Name, [.. levels], []);
            return schema.Levels.Count > 0 ? schema
                : throw new AtelierException($"the column '{column.Name}' has no values", section.Source,
                "leave it out with data.table.columns");
        }
        if (options.Discretise is not { } discretise || discretise == Discretisation.None)
            return new ColumnSchema(column.Name, [], []);
        double[] all = column.Numbers(section.Source);
        IReadOnlyList<double> cuts =
            Discretiser.Cuts([.. training.Select(row => all[row]).Where(double.IsFinite)], discretise, options.Bins);
        return new ColumnSchema(column.Name, Discretiser.Levels(cuts), cuts);
    }

    /// <summary>
    /// Refuses a column whose values are mostly numbers: the few others are more likely mistakes than evidence that the
    /// column is categorical.
    /// </summary>
    private void RefuseStrays(RawColumn column, bool numbers)
    {
        if (numbers || section.Table.Categorical.Contains(column.Name))
            return;
        if (MissingMarkers.AreMostlyNumbers(column.Values, value => ColumnSchema.TryNumber(value, out _)))
        {
            string[] strays = Strays(column);
            throw new AtelierException(
                $"'{strays[0]}' in column '{column.Name}' is not a number, as {column.Values.Count - strays.Length} of "
                    + $"its {column.Values.Count} different values are",
                section.Source,
                    $"add it to data.table.missing if it means a missing value, or add the column to "
                        + "data.table.categorical if its values are names");
        }
    }

    /// <summary>Adds notes of which columns are numeric and how they were discretised.</summary>
    private void TellOfNumbers(TableSchema schema)
    {
        string[] numbers = [.. schema.Columns.Where(c => c.IsNumeric).Select(c => c.Name)],
            cut = [.. schema.Columns.Where(c => c.Cuts.Count > 0).Select(c => c.Name)];
        if (numbers.Length > 0)
            _report.Note($"Read {Names(numbers)} as numbers.");
        if (cut.Length > 0)
        {
            string kind = section.Table.Discretise == Discretisation.Quantile ? "quantiles" : "equal widths";
            _report.Note(string.Create(CultureInfo.InvariantCulture,
                $"Discretised {Names(cut)} by {kind} into at most {section.Table.Bins} levels each "
                    + $"(data.table.discretise, data.table.bins)."));
        }
    }
}
