using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Tables;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Tables;

/// <summary>The task of modelling the rows of a table.</summary>
public sealed class TableTask : ITask
{
    /// <summary>
    /// Whether the family models only categorical columns. Numeric columns are then discretised, unless the recipe says
    /// otherwise.
    /// </summary>
    public bool LevelsOnly { get; init; }

    /// <inheritdoc/>
    public string Name => "table";

    /// <inheritdoc/>
    public string Description =>
        "A table to learn from: .csv with any separator, .tsv or .parquet, its first line the columns' names.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } = ["data.encoding", "data.table", "evaluation.samples"];

    /// <inheritdoc/>
    public IReadOnlyList<(string Field, string Value)> GenerateExample => [("count", "5")];

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<IRowModel>() is not null;

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        TableData.Prepare(WithDefaults(recipe.Data), recipe.Seed, folder, progress: progress,
            cancellation: cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => TableData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        TableData
            .Prepare(other.Section, other.Seed, other.Folder, TableSchema.Read(other.Bundle.SchemaPath), progress,
                cancellation)
            .Learning(other.Learned is null ? null : TableData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) =>
        Task.Run(
            () => TableEvaluator.Evaluate(context.Model.Require<IRowModel>(), (TableData)context.Data, context,
                progress, cancellation),
            cancellation);

    private DataSection WithDefaults(DataSection section) => section with
    {
        Table = section.Table with
        {
            Discretise = section.Table.Discretise ?? (LevelsOnly ? Discretisation.Quantile : Discretisation.None),
        },
    };

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        DataAdvice.ForFile(this, path, family.Name, "a table", cancellation);
}
