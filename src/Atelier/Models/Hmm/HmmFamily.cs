using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Series;
using Atelier.Data.Tables;
using Atelier.Data.Tagged;
using Atelier.Data.Text;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;
using Atelier.Models.Hmm.Tagging;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Series;
using Atelier.Tasks.Tagged;
using Atelier.Tasks.Text;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.Hmm;

/// <summary>Hidden Markov models, learned by expectation maximisation or, where tags are given, by counting.</summary>
public sealed class HmmFamily : IModelFamily
{
    private const string Few = "model.iterations=30"; // of Baum-Welch on text, which gains little from more
    private const string TextType = "atelier_hmm", SeriesType = "atelier_hmm_series";

    /// <inheritdoc/>
    public string Name => "hmm";

    /// <inheritdoc/>
    public string Description => "hidden Markov models for text, tags and series, trained by Baum-Welch or counting";

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new TextTask(), new TaggingTask(), new SeriesTask()];

    /// <inheritdoc/>
    public bool TakesSteps => false;

    /// <inheritdoc/>
    public IReadOnlyList<string> TrainingKeys { get; } =
        ["training.steps", "training.minutes", "training.checkpointEvery"];

    /// <inheritdoc/>
    public IEnumerable<IgnoredKeys> Ignored(Recipe recipe) =>
        Tasks.FirstOrDefault(task => task.Name == recipe.Data.Kind) is TaggingTask
            ? [new("a tagger that counts", "training", "data.tokenizer")] : [];

    /// <inheritdoc/>
    public Type ConfigType => typeof(HmmConfig);

    /// <inheritdoc/>
    public IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised)
    {
        return task switch
        {
            TaggingTask =>
                [new("trigrams of tags", ["model.order=2"]), new("bigrams of tags", ["model.order=1"])],
            SeriesTask =>
            [
                .. new[] { 2, 4, 8 }.SelectMany(count => new[]
                {
                    States(count, "diagonal", "model.covariance=diagonal"),
                    States(count, "full", "model.covariance=full"),
                }),
            ],
            _ => [States(16, null, Few)],
        };

        static RecipeVariant States(int count, string? covariance, string setting) =>
            new(covariance is null ? $"{count} states" : $"{count} states, {covariance}",
                [$"model.stateCount={count}", setting]);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => [TextType, TaggerBundle.ModelType, SeriesType];

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data) => data switch
    {
        SeriesData series => SeriesLearner(recipe, series),
        TaggedData tagged => new TaggerBundle.Learner(recipe, tagged),
        _ => TextLearner(recipe, TextBundle.DataOf(Name, recipe, data)),
    };

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default) =>
        bundle.ModelType switch
    {
        TaggerBundle.ModelType => TaggerBundle.Load(bundle, cancellation),
        SeriesType => LoadSeries(bundle, cancellation),
        _ => LoadText(bundle, cancellation),
    };

    private static TextGenerator LoadText(Bundle bundle, CancellationToken cancellation) =>
        TextBundle.Load(bundle, cancellation, (config, tensors) =>
    {
        HmmModel model =
            HmmTensors.Read(tensors, HmmEmission.Categorical, CovarianceShape.Diagonal, bundle.WeightsPath);
        var text = new HmmTextModel(model, config.Integer("end_of_text_id", -1) is >= 0 and int end ? end : null);
        return text.VocabularySize == config.VocabularySize
            ? text
            : throw new AtelierException(
                $"the model emits {text.VocabularySize} symbols, config.json says {config.VocabularySize}",
                bundle.ConfigPath, "export the model again");
    });

    private static HmmSeries LoadSeries(Bundle bundle, CancellationToken cancellation)
    {
        SeriesShape shape = ConfigFile.Read(bundle.ConfigPath).Read<SeriesShape>();
        IReadOnlyList<string> columns = TableSchema.Read(bundle.SchemaPath).Names;
        return BundleTensors.Use(bundle, tensors =>
        {
            HmmModel model = HmmTensors.Read(tensors, shape.Emission, shape.Covariance, bundle.WeightsPath);
            int dimension = model.Emissions.Dimension;
            return dimension == columns.Count ? new HmmSeries(model, columns)
                : throw new AtelierException(
                    $"the model emits {dimension} numbers, schema.json has {columns.Count} columns", bundle.Folder,
                    "export the model again");
        }, cancellation);
    }

    private static HmmLearner SeriesLearner(Recipe recipe, SeriesData series)
    {
        var config = (HmmConfig?)recipe.Model.Config ?? new HmmConfig();
        HmmEmission emission = config.Emission ?? HmmEmission.Gaussian;
        IReadOnlyList<HmmSequence> Of(IReadOnlyList<double[]> some) =>
            [.. some.Select(values => HmmSequence.Of(values, series.Columns.Count))];
        return new HmmLearner(recipe, emission, Of(series.Train), Of(series.Validation), 0, (folder, model) =>
        {
            using var scope = NewDisposeScope();
            BundleWriter.Write(folder,
                ConfigRecords.Write(SeriesType, series.Columns.Count,
                new SeriesShape { Emission = emission, Covariance = config.Covariance }),
                HmmTensors.Write(model),
                    $"# {recipe.Name}\n\nA hidden Markov model of {Quantity.Of(model.StateCount, "state")}, learned "
                        + $"from {SourceFiles.PublicName(series.Facts.Source)}.\n",
                partial => new TableSchema([.. series.Columns.Select(name => new ColumnSchema(name, [], []))])
                    .Write(Path.Combine(partial, TableSchema.FileName)));
        });
    }

    private sealed record SeriesShape
    {
        public HmmEmission Emission { get; init; }

        public CovarianceShape Covariance { get; init; }
    }

    private static HmmLearner TextLearner(Recipe recipe, TextData text)
    {
        var config = (HmmConfig?)recipe.Model.Config ?? new HmmConfig();
        if (config.Emission is not (null or HmmEmission.Categorical))
            throw new AtelierException(
                $"text consists of symbols, not {config.Emission.ToString()!.ToLowerInvariant()} numbers",
                "model.emission", "leave it out, or train on a series");
        int symbols = text.Tokenizer.VocabularySize;
        return new HmmLearner(recipe, HmmEmission.Categorical, Sequences(text.Train), Sequences(text.Validation),
            symbols, (folder, model) =>
        {
            using var scope = NewDisposeScope();
            BundleWriter.Write(folder,
                ConfigRecords.Write(TextType, symbols, new { end_of_text_id = text.Train.EndOfTextId ?? -1 }),
                HmmTensors.Write(model),
                text.Tokenizer, recipe.Generation.Decoding, text.Facts.StartId,
                    TextBundle.Card(recipe, text, model.FreeParameters));
        });
    }

    /// <summary>
    /// The documents; the end of a text is a symbol like others, so that a model knows how long texts are.
    /// </summary>
    private static IReadOnlyList<HmmSequence> Sequences(TokenFile file)
    {
        var sequences = new List<HmmSequence>();
        for (long index = 0; index < file.DocumentCount; index++)
        {
            DocumentEntry document = file.Document(index);
            int[] tokens = new int[document.Length];
            file.Read(document.Start, tokens);
            sequences.Add(HmmSequence.Of(tokens));
        }
        return sequences;
    }
}
