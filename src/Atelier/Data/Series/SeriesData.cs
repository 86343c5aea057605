using Atelier.Data.Tables;
using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Series;

/// <summary>
/// Series of numbers from the rows of a table, split into training, validation and test parts, and stored in a folder
/// that can be reopened.
/// </summary>
public sealed class SeriesData : IDataSource
{
    private SeriesData(PreparedFacts facts, IReadOnlyList<string> columns, IReadOnlyList<double[]>[] parts) =>
        (Facts, Columns, Train, Validation, Test) = (facts, columns, parts[0], parts[1], parts[2]);

    /// <inheritdoc/>
    public Modality Modality => Modality.Series;

    /// <summary>Where the data came from, and notes of how they were prepared.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>The training series, each as [time, column].</summary>
    public IReadOnlyList<double[]> Train { get; }

    /// <summary>The validation series, each as [time, column]; may be empty.</summary>
    public IReadOnlyList<double[]> Validation { get; }

    /// <summary>The test series, each as [time, column]; may be empty.</summary>
    public IReadOnlyList<double[]> Test { get; }

    /// <summary>
    /// Reads the rows of a table as series, in the order of the file, and splits them into parts. A single series is
    /// cut by position; of several, each goes to one part as a whole, if that yields the requested shares.
    /// </summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of the split.</param>
    /// <param name="folder">The folder to write.</param>
    /// <param name="columns">The columns of the model to evaluate; null for those of the section.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing or not a table, or a cell is not a
    /// number.</exception>
    public static SeriesData Prepare(DataSection section, long seed, string folder,
        IReadOnlyList<string>? columns = null, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        (IReadOnlyList<string> names, List<double[]> sequences) =
            SeriesFile.Read(section, columns, report, progress, cancellation);
        int width = names.Count;
        ulong[] contents = [.. Enumerable.Range(0, sequences.Count).Select(i => (ulong)i)];
        long[] lengths = [.. sequences.Select(sequence => (long)sequence.Length / width)];
        var split = new DocumentSplit(contents, lengths, section.Split, seed);
        if (split.Describe("series", "rows") is { } how)
            report.Note(how);
        var parts = new List<double[]>[3];
        for (int part = 0; part < parts.Length; part++)
            parts[part] = [.. split.Stretches((Part)part).Select(s =>
                sequences[s.Document][((int)s.From * width)..((int)s.To * width)])];
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        Schema(names).Write(Path.Combine(folder, TableSchema.FileName));
        for (int part = 0; part < parts.Length; part++)
            Rows(names, parts[part]).Write(PathOf(folder, (Part)part));
        new PreparedFacts { Source = section.Source, Notes = report.Notes }.Write(folder);
        return Open(folder);
    }

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder does not hold prepared data, or is damaged.</exception>
    public static SeriesData Open(string folder)
    {
        PreparedFacts facts = PreparedFacts.Read(folder);
        TableSchema schema = TableSchema.Read(Path.Combine(folder, TableSchema.FileName));
        IReadOnlyList<double[]> Part(Part part) => Sequences(TableRows.Read(PathOf(folder, part), schema));
        return new SeriesData(facts, schema.Names.SkipLast(1).ToArray(),
            [Part(Text.Part.Train), Part(Text.Part.Validation), Part(Text.Part.Test)]);
    }

    /// <summary>
    /// Returns these data with their training part replaced by the series that a model was trained on, if given.
    /// </summary>
    internal SeriesData Learning(SeriesData? learned) => learned is null ? this
        : new SeriesData(Facts, Columns, [learned.Train, Validation, Test]);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The data are arrays, which need no release.
    }

    private static string PathOf(string folder, Part part) =>
        Path.Combine(folder, part.ToString().ToLowerInvariant() + ".safetensors");

    // A last column, "#", holds the index of each row's series.
    private static TableSchema Schema(IReadOnlyList<string> names) =>
        new([.. names.Append("#").Select(name => new ColumnSchema(name, [], []))]);

    private static TableRows Rows(IReadOnlyList<string> names, List<double[]> sequences)
    {
        int width = names.Count, count = sequences.Sum(s => s.Length / width);
        double[][] numbers = [.. Enumerable.Range(0, width + 1).Select(_ => new double[count])];
        int row = 0;
        for (int i = 0; i < sequences.Count; i++)
        {
            for (int at = 0; at < sequences[i].Length; at += width, row++)
            {
                for (int column = 0; column < width; column++)
                    numbers[column][row] = sequences[i][at + column];
                numbers[width][row] = i;
            }
        }
        return new TableRows(Schema(names), count, new int[]?[width + 1], numbers);
    }

    private static List<double[]> Sequences(TableRows rows)
    {
        int width = rows.Schema.Columns.Count - 1;
        var sequences = new List<double[]>();
        List<double> sequence = [];
        ReadOnlySpan<double> numbers = rows.Numbers(width);
        for (int row = 0; row < rows.Count; row++)
        {
            for (int column = 0; column < width; column++)
                sequence.Add(rows.Numbers(column)[row]);
            if (row + 1 < rows.Count && numbers[row + 1] == numbers[row])
                continue;
            sequences.Add([.. sequence]);
            sequence.Clear();
        }
        return sequences;
    }
}
