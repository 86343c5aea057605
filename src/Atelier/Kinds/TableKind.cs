using Atelier.Data;
using Atelier.Data.Tables;
using Atelier.Decoding;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Kinds;

/// <summary>Rows of a table.</summary>
public sealed class TableKind : IDataKind
{
    /// <inheritdoc/>
    public string Name => "table";

    /// <inheritdoc/>
    public string Description => "A table to learn from: .csv, .tsv or .parquet, its first line the columns' names.";

    /// <inheritdoc/>
    public string GenerateExample => "--count 5";

    /// <inheritdoc/>
    public bool Judges(IGenerator generator) => generator is IRowModel;

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress, CancellationToken cancellation) =>
        TableData.Prepare(recipe.Data, recipe.Seed, folder, progress: progress, cancellation: cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => TableData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        TableData.Prepare(other.Section, other.Seed, other.Folder, TableSchema.Read(other.Bundle.SchemaPath), progress,
            cancellation)
            .Learning(other.Learned is null ? null : TableData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(Judging judging, IProgress<string>? progress, CancellationToken cancellation) =>
        Task.Run(() => TableEvaluator.Evaluate((IRowModel)judging.Generator, (TableData)judging.Data, judging, progress, cancellation), cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, string family) => DataAdvice.ForFile(this, path, family, "a table");
}
