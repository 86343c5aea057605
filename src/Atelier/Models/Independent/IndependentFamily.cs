using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Tables;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Tables;
using Atelier.Tensors;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.Independent;

/// <summary>The family of models of independent columns: the baseline of models of tables.</summary>
public sealed class IndependentFamily : IModelFamily, ITableBaseline
{
    private const string ModelType = "atelier_independent";

    /// <inheritdoc/>
    public string Name => "independent";

    /// <inheritdoc/>
    public string Description => "independent columns: a baseline for tables";

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new TableTask()];

    /// <inheritdoc/>
    public bool TakesSteps => false;

    /// <inheritdoc/>
    public Type ConfigType => typeof(IndependentConfig);

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => [ModelType];

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data) => new Learner(recipe, (TableData)data);

    /// <inheritdoc/>
    public string BaselineName => Name;

    /// <inheritdoc/>
    public bool IsBaseline(IRowModel model) => model is IndependentModel;

    /// <inheritdoc/>
    public ITrainedModel FitBaseline(TableRows rows) => IndependentModel.Count(rows);

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        TableSchema schema = TableSchema.Read(bundle.SchemaPath);
        return BundleTensors.Use(bundle, tensors =>
        {
            return new IndependentModel(schema, [.. schema.Columns.Select(Read)]);

            double[] Read(ColumnSchema column, int i) =>
                tensors.TryGetValue($"{i}", out Tensor? tensor) && tensor.dtype == ScalarType.Float64
                && tensor.numel() == (column.IsNumeric ? 2 : column.Levels.Count)
                    ? MemoryMarshal.Cast<byte, double>(tensor.bytes).ToArray()
                    : throw new AtelierException(
                        $"the tensor {i} is missing or does not go with column '{column.Name}'", bundle.WeightsPath,
                        "export the model again");
        }, cancellation);
    }

    private sealed class Learner(Recipe recipe, TableData table) : ILearner
    {
        /// <inheritdoc/>
        public Task<TrainingReport> LearnAsync(Run run, IProgress<TrainingProgress> progress,
            CancellationToken cancellation) =>
            Task.Run(() => Learn(run, progress, cancellation), cancellation);

        private TrainingReport Learn(Run run, IProgress<TrainingProgress> progress, CancellationToken cancellation)
        {
            var watch = Stopwatch.StartNew();
            var config = (IndependentConfig?)recipe.Model.Config ?? new IndependentConfig();
            using IndependentModel model = IndependentModel.Count(table.Train, config.Smoothing);
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Dictionary<string, Tensor> tensors = model.Columns.Index()
                .ToDictionary(column => $"{column.Index}", column => tensor(column.Item, ScalarType.Float64));
            BundleWriter.Write(run.BundleFolder, ConfigRecords.Write(ModelType, model.Schema.Columns.Count, config),
                tensors, Card(recipe, table),
                partial => model.Schema.Write(Path.Combine(partial, TableSchema.FileName)));
            progress.Report(new TrainingProgress
            {
                Step = 1, TotalSteps = 1, ItemUnit = "rows",
                Message = $"counted {Quantity.Of(table.Train.Count, "row")}",
            });
            return new TrainingReport(1, watch.Elapsed.TotalSeconds, "converged",
                new Dictionary<string, double> { ["freeParameters"] = model.FreeParameters });
        }

        private static string Card(Recipe recipe, TableData table) => string.Create(CultureInfo.InvariantCulture, $"""
            # {recipe.Name}

            {recipe.Description ?? "Independent columns of a table."}

            Trained on {SourceFiles.PublicName(table.Facts.Source)}, {Quantity.Of(table.Train.Count, "row")} of
            {Quantity.Of(table.Schema.Columns.Count, "column")}, seed {recipe.Seed}.

            """);
    }
}
