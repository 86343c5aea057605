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
        "Train on a table: .csv with any separator, .tsv or .parquet; the first line names the columns.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } = ["data.encoding", "data.table", "evaluation.samples"];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model)
    {
        IReadOnlyList<ColumnSchema> columns = model.Require<IRowModel>().Schema.Columns;
        ColumnSchema? known = columns.FirstOrDefault(column => column.Levels.Count > 0);
        string names = RequestOption.Names([.. columns.Select(Described)]);
        return
        [
            new("evidence", $"A known value of each row. Can be repeated. The columns: {names}.",
                Example: known is null ? null : $"{known.Name}={known.Levels[0]}"),
            new("count", "The number of rows.", Example: "5"),
            new("out", "The file to write the rows to: .csv and .tsv are tables that can be trained on."),
        ];

        static string Described(ColumnSchema column) => column.Levels.Count == 0 ? $"{column.Name} (a number)"
            : $"{column.Name} ({RequestOption.Names(column.Levels)})";
    }

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
    /// <remarks>A density of numbers does not compare with a probability of levels.</remarks>
    public TrialRules Trials { get; } = new(Loss: null, "data.table.discretise=quantile");

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        DataAdvice.ForFile(this, path, family.Name, "a table", cancellation);
}
