using Atelier.Data.Text;
using Atelier.Recipes;

namespace Atelier.Data.Tables;

/// <summary>
/// The rows of a table, split into training, validation and test parts, and stored in a folder that can be reopened.
/// </summary>
public sealed class TableData : IDataSource
{
    private TableData(PreparedFacts facts, TableRows train, TableRows validation, TableRows test) =>
        (Facts, Train, Validation, Test) = (facts, train, validation, test);

    /// <inheritdoc/>
    public Modality Modality => Modality.Table;

    /// <summary>Where the data came from, and notes of how they were prepared.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The columns.</summary>
    public TableSchema Schema => Train.Schema;

    /// <summary>The training rows.</summary>
    public TableRows Train { get; }

    /// <summary>The validation rows; may be empty.</summary>
    public TableRows Validation { get; }

    /// <summary>The test rows; may be empty.</summary>
    public TableRows Test { get; }

    /// <summary>
    /// Reads a source, splits its rows into parts, and writes them to a folder with schema.json and facts.json.
    /// </summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of the split.</param>
    /// <param name="folder">The folder to write.</param>
    /// <param name="schema">The columns of the model to evaluate on these rows; null to detect the columns.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or not a table, or the section does not match
    /// it.</exception>
    public static TableData Prepare(DataSection section, long seed, string folder, TableSchema? schema = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        var preparation = new TablePreparation(section, seed, schema, progress, cancellation);
        (TableRows rows, IReadOnlyList<int>[] parts) = preparation.Run();
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        rows.Schema.Write(Path.Combine(folder, TableSchema.FileName));
        for (int part = 0; part < parts.Length; part++)
            rows.Select(parts[part]).Write(PathOf(folder, (Part)part));
        new PreparedFacts { Source = section.Source, Notes = preparation.Notes }.Write(folder);
        return Open(folder);
    }

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder does not hold prepared data, or is damaged.</exception>
    public static TableData Open(string folder)
    {
        PreparedFacts facts = PreparedFacts.Read(folder);
        TableSchema schema = TableSchema.Read(Path.Combine(folder, TableSchema.FileName));
        TableRows Rows(Part part) => TableRows.Read(PathOf(folder, part), schema);
        return new TableData(facts, Rows(Part.Train), Rows(Part.Validation), Rows(Part.Test));
    }

    /// <summary>
    /// Returns these data with their training part replaced by the rows that a model was trained on, if given.
    /// </summary>
    /// <exception cref="AtelierException">The two have different columns.</exception>
    internal TableData Learning(TableData? learned) => learned is null ? this
        : learned.Schema.Names.SequenceEqual(Schema.Names) ? new TableData(Facts, learned.Train, Validation, Test)
        : throw new AtelierException("has other columns than the run was trained on", Facts.Source,
            "evaluate the model on a table with the same columns");

    /// <inheritdoc/>
    public void Dispose()
    {
        // The data are arrays, which need no release.
    }

    private static string PathOf(string folder, Part part) =>
        Path.Combine(folder, part.ToString().ToLowerInvariant() + ".safetensors");
}
