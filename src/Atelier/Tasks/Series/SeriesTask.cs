using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Series;
using Atelier.Data.Tables;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Series;

/// <summary>The task of modelling series of numbers.</summary>
public sealed class SeriesTask : ITask
{
    /// <inheritdoc/>
    public string Name => "series";

    /// <inheritdoc/>
    public string Description => "Train on a time series: a table of numbers with its rows in order of time.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } = ["data.encoding", "data.table", "evaluation.samples"];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model) =>
    [
        new("input", "A table with the beginning of the series, which is continued."),
        new("count", "The number of series."),
        new("maxTokens", "The number of rows of each series.", $"{new DecodingOptions().MaxTokens}", Example: "100"),
        new("states", "A known hidden state at a row, counted from 0. Can be repeated."),
        new("out", "The file to write the series to: .csv and .tsv are tables that can be trained on."),
    ];

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<ISeriesModel>() is not null;

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        SeriesData.Prepare(recipe.Data, recipe.Seed, folder, progress: progress, cancellation: cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => SeriesData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        SeriesData
            .Prepare(other.Section, other.Seed, other.Folder, TableSchema.Read(other.Bundle.SchemaPath).Names,
                progress, cancellation)
            .Learning(other.Learned is null ? null : SeriesData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) =>
        Task.Run(
            () => SeriesEvaluator.Evaluate(context.Model.Require<ISeriesModel>(), (SeriesData)context.Data, context,
                progress, cancellation),
            cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        DataAdvice.ForFile(this, path, family.Name, "series", cancellation);
}
