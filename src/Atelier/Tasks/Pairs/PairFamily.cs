using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Pairs;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tokenizers;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Pairs;

/// <summary>
/// Base class of families of sequence-to-sequence models: batches, samples during training, and writing and loading
/// bundles. A family adds its name, its model and its file layout.
/// </summary>
/// <typeparam name="TConfig">The configuration record, whose properties are the recipe's model section.</typeparam>
/// <typeparam name="TModel">The type of the network.</typeparam>
public abstract class PairFamily<TConfig, TModel> : IModelFamily
    where TConfig : class, new()
    where TModel : SequenceToSequenceModel
{
    private const int ShownSources = 3;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<string> ModelTypes { get; }

    /// <inheritdoc/>
    public virtual IReadOnlyList<ITask> Tasks { get; } = [new PairsTask()];

    /// <inheritdoc/>
    public Type ConfigType => typeof(TConfig);

    /// <inheritdoc/>
    public virtual IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) => [RecipeVariant.AsAdvised];

    /// <inheritdoc/>
    public virtual string PurposeOf(ITask task) => "generate";

    /// <inheritdoc/>
    public virtual IEnumerable<IgnoredKeys> Ignored(Recipe recipe) =>
        [new("pairs, whose batches are limited by training.batchTokens", "training.batchSize")];

    /// <inheritdoc/>
    public virtual ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        if (data is not PairData pairs)
            throw new AtelierException($"the family {Name} trains on pairs of texts", "data.source",
                "use pairs, or another family");
        (TModel model, Func<TModel> createModel, SequenceEnds ends) =
            Begin(recipe, pairs.SourceTokenizer, pairs.TargetTokenizer, () => Ends(pairs));
        ends = ends with { SourcePrefix = recipe.Data.Pairs.Prefix };
        var segmentation = PairSegmentation.Of(pairs, ends.SourcePrefix, recipe.Data.Pairs.BpeDropout, recipe.Seed);
        PairBatches Batches(PairFile file, bool learns) => new(file, ends,
            recipe.Training.BatchTokens ?? PairsTask.DefaultBatchTokens, model.ContextLength, recipe.Seed,
            shuffled: learns, learns ? segmentation : null);
        return new Trainer<PairBatch>(recipe, model, Batches(pairs.Train, learns: true),
            pairs.Validation.Count == 0 ? null : Batches(pairs.Validation, learns: false), new TrainerHooks
            {
                WriteBundle = folder => Write(folder, model, pairs.SourceTokenizer, pairs.TargetTokenizer,
                    recipe.Generation.Decoding, ends,
                    PairBundle.Card(recipe, pairs, model.parameters().Sum(p => p.numel()))),
                CreateReplica = createModel,
                WriteSample = (path, cancellation) => WriteSample(path, model, pairs, ends, recipe, cancellation),
            });
    }

    /// <inheritdoc/>
    public virtual object? ReadConfiguration(Bundle bundle) => ReadConfig(ConfigFile.Read(bundle.ConfigPath));

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        Device target = ComputeDevice.Resolve(device);
        ConfigFile config = ConfigFile.Read(Path.Combine(bundle.Folder, "config.json"));
        IReadOnlyDictionary<string, Tensor> tensors = BundleTensors.Read(bundle, cancellation);
        try
        {
            TModel model = Read(config, tensors, bundle.WeightsPath);
            model.eval();
            model.to(target);
            return PairBundle.Open(bundle.Folder, config, model,
                ReadEnds(config) with { SourcePrefix = PairBundle.ReadPrefix(config) });
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    /// <summary>Writes a model as a bundle.</summary>
    /// <param name="folder">The folder of the bundle.</param>
    /// <param name="model">The model.</param>
    /// <param name="source">The tokenizer of sources.</param>
    /// <param name="target">The tokenizer of targets; may be the same object.</param>
    /// <param name="decoding">The default decoding options, for requests that do not set them.</param>
    /// <param name="ends">The special tokens of the model.</param>
    /// <param name="card">The model card, in Markdown.</param>
    /// <exception cref="AtelierException">The folder cannot be written.</exception>
    public void Write(string folder, TModel model, Tokenizer source, Tokenizer target, DecodingOptions decoding,
        SequenceEnds ends, string card)
    {
        using var scope = NewDisposeScope();
        string config = PairBundle.WithPrefix(ConfigText(model, ends), ends.SourcePrefix);
        BundleWriter.Write(folder, config, Weights(model), card,
            partial => PairBundle.WriteTokens(partial, source, target, decoding, ends));
    }

    /// <summary>
    /// Returns the special tokens that a new model of the data learns. By default the end-of-text token of a tokenizer
    /// starts, ends and pads its sequences.
    /// </summary>
    protected virtual SequenceEnds Ends(PairData data) => SequenceEnds.Of(data.SourceTokenizer, data.TargetTokenizer);

    /// <summary>Creates a new model from a recipe.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="sourceVocabularySize">The size of the sources' vocabulary; null if targets share it.</param>
    /// <param name="vocabularySize">The size of the targets' vocabulary.</param>
    /// <param name="recipe">The recipe.</param>
    protected abstract TModel Create(TConfig config, int? sourceVocabularySize, int vocabularySize, Recipe recipe);

    /// <summary>Reads the configuration record from a config.json.</summary>
    /// <exception cref="AtelierException">The file is damaged.</exception>
    protected abstract TConfig ReadConfig(ConfigFile file);

    /// <summary>Returns the text of config.json.</summary>
    protected abstract string ConfigText(TModel model, SequenceEnds ends);

    /// <summary>Reads the special tokens from config.json.</summary>
    /// <exception cref="AtelierException">A token is missing.</exception>
    protected abstract SequenceEnds ReadEnds(ConfigFile config);

    /// <summary>
    /// Returns copies of the weights by their published names, in the caller's dispose scope. By default these are the
    /// names of the module's state.
    /// </summary>
    protected virtual IReadOnlyDictionary<string, Tensor> Weights(TModel model) => BundleTensors.Copy(model);

    /// <summary>Creates the model that config.json and the weights describe.</summary>
    /// <param name="config">The config.json.</param>
    /// <param name="tensors">The weights by name.</param>
    /// <param name="where">The path of the weights, for error messages.</param>
    /// <exception cref="AtelierException">The configuration and the weights do not match.</exception>
    protected abstract TModel Read(ConfigFile config, IReadOnlyDictionary<string, Tensor> tensors, string where);

    /// <summary>
    /// Creates the model of a recipe, with the weights of the bundle that it starts from, if any, and returns it with a
    /// function that creates models of its shape, and its special tokens.
    /// </summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="source">The tokenizer of sources.</param>
    /// <param name="target">The tokenizer of targets; may be the same object.</param>
    /// <param name="ends">Returns the special tokens of a model with new weights.</param>
    /// <exception cref="AtelierException">The bundle does not match the recipe or the tokenizers.</exception>
    private protected (TModel Model, Func<TModel> Create, SequenceEnds Ends) Begin(Recipe recipe, Tokenizer source,
        Tokenizer target, Func<SequenceEnds> ends)
    {
        var config = (TConfig?)recipe.Model.Config ?? new TConfig();
        int? sources = ReferenceEquals(source, target) ? null : source.VocabularySize;
        if (StartingBundle.Open(recipe.Training) is not { } bundle)
        {
            TModel New() => CreateLearning(config, sources, target.VocabularySize, recipe);
            return (New(), New, ends());
        }
        using var start = (SequenceToSequenceGenerator)Load(bundle, "cpu");
        StartingWeights.CheckTokens(start.SourceTokenizer, source);
        StartingWeights.CheckTokens(start.Tokenizer, target);
        var old = (TModel)start.Model;
        // published vocabularies may be padded with rows that no token uses
        int rows = Math.Max(target.VocabularySize, old.VocabularySize);
        int? sourceRows = sources is { } count ? Math.Max(count, old.SourceVocabularySize) : null;
        TModel CreateModel() => CreateLearning(config, sourceRows, rows, recipe);
        TModel model = CreateModel();
        StartingWeights.Copy(model, old, (old.VocabularySize, rows), recipe.Seed, bundle.Folder);
        return (model, CreateModel, ReadEnds(ConfigFile.Read(bundle.ConfigPath)));
    }

    private TModel CreateLearning(TConfig config, int? sourceVocabularySize, int vocabularySize, Recipe recipe)
    {
        TModel model = Create(config, sourceVocabularySize, vocabularySize, recipe);
        (model.RDrop, model.RDropStart) = (recipe.Training.RDrop, recipe.Training.RDropStart);
        return model;
    }

    /// <summary>Writes the first validation sources with what the model makes of them.</summary>
    private static TrainingSample WriteSample(string path, TModel model, PairData data, SequenceEnds ends,
        Recipe recipe, CancellationToken cancellation)
    {
        PairFile file = data.Validation.Count > 0 ? data.Validation : data.Train;
        TextPair[] pairs = [.. Enumerable.Range(0, Math.Min(ShownSources, file.Count)).Select(i => file[i])];
        // not disposed: the model goes on
        SequenceToSequenceGenerator generator =
            PairBundle.Generator(model, data.SourceTokenizer, data.TargetTokenizer, recipe.Generation.Decoding, ends);
        IReadOnlyList<TextSample> samples = generator.GenerateManyAsync([.. pairs.Select(pair => pair.Source)],
            cancellation: cancellation).GetAwaiter().GetResult();
        string shown = string.Join('\n', pairs.Zip(samples, (pair, sample) => $"{pair.Source} → {sample.Text}"));
        string name = path + ".txt";
        AtomicFile.WriteText(name, shown);
        return new TrainingSample(name, shown);
    }
}
