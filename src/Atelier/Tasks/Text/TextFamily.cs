using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Conversations;
using Atelier.Data.Text;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Conversations;
using Atelier.Tensors;
using Atelier.Tokenizers;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>
/// Base class of families of neural text models: batches, samples during training, and writing and loading bundles. A
/// family adds its name, its model and its file layout.
/// </summary>
/// <typeparam name="TConfig">The configuration record, whose properties are the recipe's model section.</typeparam>
/// <typeparam name="TModel">The type of the network.</typeparam>
public abstract class TextFamily<TConfig, TModel> : IModelFamily
    where TConfig : class, new()
    where TModel : TextModel
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<string> ModelTypes { get; }

    /// <inheritdoc/>
    public virtual IReadOnlyList<ITask> Tasks { get; } = [new TextTask()];

    /// <inheritdoc/>
    public Type ConfigType => typeof(TConfig);

    /// <inheritdoc/>
    public virtual IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) => [RecipeVariant.AsAdvised];

    /// <summary>Further families whose models can be teachers of those of this one.</summary>
    internal IReadOnlyList<IModelFamily> OtherTeachers { get; init; } = [];

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        TextLessons lessons = data is ConversationData said && Tasks.Any(task => task is ConversationTask)
            ? ConversationLessons.Of(said, recipe) : TextLessons.Of(TextBundle.DataOf(Name, recipe, data), recipe);
        Tokenizer tokenizer = lessons.Tokenizer;
        var config = (TConfig?)recipe.Model.Config ?? new TConfig();
        Bundle? start = StartingBundle.Open(recipe.Training);
        ConfigFile? startConfig = start is null ? null : ConfigFile.Read(start.ConfigPath);
        TModel New()
        {
            TModel created = startConfig is null ? Create(config, tokenizer.VocabularySize, recipe)
                : Create(config, tokenizer.VocabularySize, recipe, startConfig);
            created.Distillation = Teacher(recipe.Training, tokenizer, TrainingContext(config));
            return created;
        }

        TModel model = New();
        if (start is not null)
            Start(model, start, tokenizer, recipe.Seed);
        (IBatchSource<TextBatch> training, IBatchSource<TextBatch>? validation) =
            lessons.Batches(TrainingContext(config));
        return new Trainer<TextBatch>(recipe, model, training, validation, new TrainerHooks
        {
            WriteBundle = folder =>
            {
                using var scope = NewDisposeScope();
                BundleWriter.Write(folder, ConfigText(model), Weights(model),
                    lessons.Card(model.parameters().Sum(p => p.numel())), lessons.WriteTokens);
            },
            CreateReplica = New,
            WriteSample = (path, cancellation) => lessons.WriteSample(path, model, cancellation),
            ReferenceLosses = lessons.ReferenceLosses,
        });
    }

    /// <inheritdoc/>
    public object? ReadConfiguration(Bundle bundle) => ReadConfig(ConfigFile.Read(bundle.ConfigPath));

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        Device target = ComputeDevice.Resolve(device);
        return TextBundle.Load(bundle, cancellation, (config, tensors) =>
        {
            TModel model = Read(config, tensors, bundle.WeightsPath);
            model.eval();
            model.to(target);
            return model;
        });
    }

    /// <summary>Writes a model as a bundle.</summary>
    /// <param name="folder">The folder of the bundle.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="decoding">The default decoding options, for requests that do not set them.</param>
    /// <param name="startId">The start token of generation without a prompt.</param>
    /// <param name="card">The model card, in Markdown.</param>
    /// <exception cref="AtelierException">The folder cannot be written.</exception>
    public void Write(string folder, TModel model, Tokenizer tokenizer, DecodingOptions decoding, int startId,
        string card)
    {
        using var scope = NewDisposeScope();
        BundleWriter.Write(folder, ConfigText(model), Weights(model), tokenizer, decoding, startId, card);
    }

    /// <summary>Creates a new model from a recipe.</summary>
    protected abstract TModel Create(TConfig config, int vocabularySize, Recipe recipe);

    /// <summary>Creates a model to be filled with the weights of a bundle.</summary>
    /// <param name="config">The configuration, which is that of the bundle.</param>
    /// <param name="vocabularySize">The size of the vocabulary, at least that of the bundle.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="start">The config.json of the bundle, for what a configuration record does not hold.</param>
    protected virtual TModel Create(TConfig config, int vocabularySize, Recipe recipe, ConfigFile start) =>
        Create(config, vocabularySize, recipe);

    /// <summary>Reads the configuration record from a config.json.</summary>
    /// <exception cref="AtelierException">The file is damaged.</exception>
    protected virtual TConfig ReadConfig(ConfigFile file) => file.Read<TConfig>();

    /// <summary>Returns the number of tokens per training row.</summary>
    protected abstract int TrainingContext(TConfig config);

    /// <summary>Returns the text of config.json.</summary>
    protected abstract string ConfigText(TModel model);

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

    private Distillation? Teacher(TrainingSection section, Tokenizer tokenizer, int contextLength)
    {
        if (section.Teacher is not { } folder)
            return null;
        var bundle = Bundle.Open(folder);
        string type = ConfigFile.Read(bundle.ConfigPath).ModelType;
        IModelFamily family = OtherTeachers.Prepend(this).FirstOrDefault(one => one.ModelTypes.Contains(type))
            ?? throw new AtelierException($"models of type '{type}' cannot be teachers", "training.teacher",
                "use a model of the families gpt and rnn");
        ITrainedModel loaded = family.Load(bundle, "cpu");
        if (loaded is not TextGenerator { Model: TextModel model } generator)
        {
            loaded.Dispose();
            throw new AtelierException("this model cannot be a teacher", "training.teacher", "use a language model");
        }
        try
        {
            StartingWeights.CheckTokens(generator.Tokenizer, tokenizer, "training.teacher");
            if (tokenizer.VocabularySize != model.VocabularySize)
                throw new AtelierException($"the teacher has {model.VocabularySize} tokens, and the data have "
                    + $"{tokenizer.VocabularySize}", "training.teacher", "train both with the same tokenizer");
            if (model.ContextLength < contextLength)
                throw new AtelierException($"the teacher reads {model.ContextLength} tokens at once, fewer than "
                    + $"{contextLength}", "training.teacher", "lower model.contextLength");
            return new Distillation(model, section.TeacherWeight, section.TeacherTemperature);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>Copies the weights of a bundle into a new model; tokens that only the model has get new rows.</summary>
    private void Start(TModel model, Bundle start, Tokenizer tokenizer, long seed)
    {
        using var loaded = (TextGenerator)Load(start, "cpu");
        StartingWeights.CheckTokens(loaded.Tokenizer, tokenizer);
        StartingWeights.Copy(model, (TModel)loaded.Model, (loaded.Tokenizer.VocabularySize, tokenizer.VocabularySize),
            seed, start.Folder);
    }
}
