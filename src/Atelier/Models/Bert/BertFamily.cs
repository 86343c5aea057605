using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Labelled;
using Atelier.Data.Tagged;
using Atelier.Data.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Labelled;
using Atelier.Tasks.Tagged;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Tokenizers;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.Bert;

/// <summary>The family of masked language models with the architectures of BERT and RoBERTa.</summary>
public sealed class BertFamily : IModelFamily
{
    /// <inheritdoc/>
    public string Name => "bert";

    /// <inheritdoc/>
    public string Description => "a Transformer encoder that fills in masked tokens, in BERT's or RoBERTa's shape";

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => [BertConfigFile.Bert, BertConfigFile.Roberta];

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new TextTask(), new TaggingTask(), new LabelledTask()];

    /// <inheritdoc/>
    public Type ConfigType => typeof(BertConfig);

    /// <inheritdoc/>
    public IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised)
    {
        return RecipeVariant.Grid([Size(4, 128), Size(2, 64)], 1e-3, 3e-3);

        static RecipeVariant Size(int layers, int width) =>
            new($"{layers} × {width}", [$"model.layerCount={layers}", $"model.hiddenSize={width}"]);
    }

    /// <inheritdoc/>
    public string PurposeOf(ITask task) => task is TextTask ? "fill-in" : "generate";

    /// <inheritdoc/>
    public IEnumerable<IgnoredKeys> Ignored(Recipe recipe) => recipe.Data.Kind is null or "text"
        ?
        [
            new("a masked language model",
            [
                "evaluation.stride", "evaluation.baselineOrder", "training.teacher",
                .. GenerationSection.DecodingKeys
                    .Except(TextTask.MaskedOptions.Select(option => "generation." + option)),
            ]),
        ]
        :
        [
            new("a model of labels, which predicts no tokens,", "model.masking", "model.maskShare", "generation"),
            new("a model of labels, whose batches are limited by training.batchTokens,", "training.batchSize"),
        ];

    /// <inheritdoc/>
    public object? ReadConfiguration(Bundle bundle) => BertConfigFile.Read(ConfigFile.Read(bundle.ConfigPath));

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data) => data switch
    {
        TaggedData tagged => BertHeads.CreateLearner(recipe, tagged),
        LabelledData labelled => BertHeads.CreateLearner(recipe, labelled),
        TextData text => CreateLearner(recipe, text),
        _ => throw new AtelierException($"the family {Name} trains on text, tagged sentences or labelled texts",
            "data.source", "use one of these, or another family"),
    };

    private static Trainer<TextBatch> CreateLearner(Recipe recipe, TextData text)
    {
        BertConfig config = ((BertConfig?)recipe.Model.Config ?? new BertConfig()).Resolve();
        using BertStart? start = BertStart.Open(recipe, text.Tokenizer);
        MaskedTokens tokens = start?.Tokens ?? TokensOf(text.Tokenizer, text.Train.EndOfTextId, config,
            mask: text.Tokenizer.VocabularySize);
        int maskId = tokens.MaskId ?? throw new AtelierException("the model of training.from has no mask token",
            "training.from", "start from a model whose tokenizer has [MASK] or <mask>");
        int vocabulary = start?.VocabularySize(text.Tokenizer) ?? Math.Max(text.Tokenizer.VocabularySize, maskId + 1);
        BertModel CreateModel() => new(config, vocabulary, recipe.Training.ChosenPrecision, recipe.Seed,
            recipe.Training.LabelSmoothing, tokens.PadId, hasHead: true, hasPooler: start?.Encoder.Pooler is not null);
        BertModel model = CreateModel();
        bool isNew = start?.Encoder.PredictsTokens == false;
        IReadOnlyList<string> notes = isNew ? [start!.NewHead(recipe, "tokens")] : [];
        start?.CopyTo(model, recipe,
            name => isNew && name.StartsWith(BertModel.HeadName, StringComparison.Ordinal));
        var masker = new TokenMasker(text.Tokenizer, maskId, config.Masking, config.MaskShare);
        MaskedBatches Batches(TokenFile file, bool shuffled) => new(file, masker, tokens, recipe.Training.BatchSize,
            config.ContextLength, recipe.Seed, shuffled);
        DecodingOptions decoding = recipe.Generation.Decoding;
        // not disposed: the model goes on
        var generator = new MaskedTextGenerator(model, text.Tokenizer, tokens, decoding);
        return new Trainer<TextBatch>(recipe, model, Batches(text.Train, shuffled: true),
            text.Validation.Count < 2 ? null : Batches(text.Validation, shuffled: false), new TrainerHooks
            {
                WriteBundle = folder => Write(folder, model, text.Tokenizer, decoding, tokens, TextBundle.Card(recipe,
                    text, model.parameters().Sum(p => p.numel()), "fill-mask")),
                CreateReplica = CreateModel,
                Notes = notes,
                WriteSample = (path, cancellation) => WriteSample(path, generator, text, cancellation),
            });
    }

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        Device target = ComputeDevice.Resolve(device);
        ConfigFile config = ConfigFile.Read(bundle.ConfigPath);
        Tokenizer tokenizer = TokenizerFile.LoadFolder(bundle.Folder);
        // published vocabularies may be padded with rows that no token uses
        if (tokenizer.VocabularySize > config.VocabularySize)
            throw new AtelierException($"the model has {Quantity.Of(config.VocabularySize, "token")}, but the "
                + $"tokenizer has {tokenizer.VocabularySize}", bundle.Folder,
                "use config.json and tokenizer.json of the same model");
        MaskedTokens tokens = MaskedTextFile.ReadTokens(config, tokenizer);
        if (BertConfigFile.HeadOf(config) is { } head)
        {
            BertClassifier classifier = ReadClassifier(bundle, cancellation);
            classifier.eval();
            classifier.to(target);
            return head == BertHead.Tagging
                ? new BertTagger(classifier, tokenizer, tokens, BertConfigFile.ReadColumn(config))
                : new BertTextClassifier(classifier, tokenizer, tokens);
        }
        DecodingOptions decoding = GenerationConfigFile.Read(bundle.GenerationConfigPath).Decoding;
        BertModel model = ReadModel(bundle, cancellation);
        model.eval();
        model.to(target);
        return new MaskedTextGenerator(model, tokenizer, tokens, decoding)
        {
            Embedder = new MaskedTextEmbedder(model, tokenizer, tokens),
        };
    }

    /// <summary>Loads the network of a bundle, which needs no tokenizer.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="cancellation">Cancels loading between tensors.</param>
    /// <exception cref="AtelierException">The configuration and the weights do not match.</exception>
    public static BertModel ReadModel(Bundle bundle, CancellationToken cancellation = default) =>
        Read(bundle, ReadModel, cancellation);

    /// <summary>Loads the network of a bundle that predicts labels, which needs no tokenizer.</summary>
    /// <inheritdoc cref="ReadModel(Bundle, CancellationToken)"/>
    public static BertClassifier ReadClassifier(Bundle bundle, CancellationToken cancellation = default) =>
        Read(bundle, ReadClassifier, cancellation);

    /// <summary>Creates the network that config.json and the weights describe.</summary>
    internal static BertModel ReadModel(ConfigFile file, IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        (BertConfig config, int pad) = ReadShape(file, tensors, where);
        (bool hasHead, bool hasPooler) = BertWeights.PartsOf(tensors);
        var model = new BertModel(config, file.VocabularySize, Precision.Fp32, seed: 0, padId: pad, hasHead: hasHead,
            hasPooler: hasPooler);
        return Filled(model, () => BertWeights.Import(model, tensors, where));
    }

    /// <summary>Creates the network with a head for labels that config.json and the weights describe.</summary>
    internal static BertClassifier ReadClassifier(ConfigFile file, IReadOnlyDictionary<string, Tensor> tensors,
        string where)
    {
        (BertConfig config, int pad) = ReadShape(file, tensors, where);
        BertHead head = BertConfigFile.HeadOf(file) ?? throw new AtelierException("the model predicts no labels",
            file.Path, "use a model for token or sequence classification");
        IReadOnlyList<string> labels = BertConfigFile.ReadLabels(file);
        string name = BertWeights.ClassifierName(config.Layout, head) + ".weight";
        if (tensors.TryGetValue(name, out Tensor? rows) && rows.shape[0] != labels.Count)
            throw new AtelierException($"the tensor {name} has {rows.shape[0]} rows, but config.json names "
                + $"{Quantity.Of(labels.Count, "label")}", where, "download or export the model again");
        var model = new BertClassifier(config, file.VocabularySize, head, labels, Precision.Fp32, seed: 0, padId: pad);
        return Filled(model, () => BertWeights.Import(model, tensors, where));
    }

    private static T Read<T>(Bundle bundle, Func<ConfigFile, IReadOnlyDictionary<string, Tensor>, string, T> read,
        CancellationToken cancellation)
    {
        ConfigFile file = ConfigFile.Read(bundle.ConfigPath);
        IReadOnlyDictionary<string, Tensor> tensors = BundleTensors.Read(bundle, cancellation);
        try
        {
            return read(file, tensors, bundle.WeightsPath);
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    /// <summary>
    /// Reads the configuration and the padding token, and refuses files with fewer weights before a model is allocated.
    /// </summary>
    private static (BertConfig Config, int PadId) ReadShape(ConfigFile file,
        IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        BertConfig config = BertConfigFile.Read(file);
        (int pad, int vocabulary) = (BertConfigFile.PadId(file), file.VocabularySize);
        Int128 claimed = BertWeights.ParameterCount(config, vocabulary, pad);
        Int128 held = tensors.Values.Sum(tensor => tensor.numel());
        return vocabulary >= 1 && claimed <= held ? (config, pad)
            : throw new AtelierException($"holds {held} weights, but config.json describes at least {claimed}", where,
                "download or export the model again");
    }

    private static T Filled<T>(T model, Action import)
        where T : nn.Module
    {
        try
        {
            import();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes a model as a bundle.</summary>
    /// <param name="folder">The folder of the bundle.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="decoding">The default decoding options, for requests that do not set them.</param>
    /// <param name="tokens">The special tokens of the model.</param>
    /// <param name="card">The model card, in Markdown.</param>
    /// <exception cref="AtelierException">The folder cannot be written.</exception>
    public static void Write(string folder, BertModel model, Tokenizer tokenizer, DecodingOptions decoding,
        MaskedTokens tokens, string card)
    {
        using var scope = NewDisposeScope();
        BundleWriter.Write(folder, BertConfigFile.Write(model, tokens), BertWeights.Export(model), tokenizer, decoding,
            tokens.BeginId ?? tokenizer.EndOfTextId ?? 0, card);
    }

    /// <summary>
    /// The special tokens of a new model. Where the tokenizer has none of its own, the end-of-text token stands for
    /// them.
    /// </summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="end">The end-of-text token, or null.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="mask">The mask token of a tokenizer without one, a further row of the embedding; null for
    /// none.</param>
    /// <exception cref="AtelierException">The layout needs a padding token.</exception>
    internal static MaskedTokens TokensOf(Tokenizer tokenizer, int? end, BertConfig config, int? mask)
    {
        MaskedTokens tokens = MaskedTokens.Of(tokenizer,
            new MaskedTokens(mask) { BeginId = end, EndId = end, PadId = end ?? 0 });
        // the positions of RoBERTa's files are counted from the padding token, wherever it occurs in a sequence
        return config.Layout == BertLayout.Bert || tokenizer.Special.Pad is not null ? tokens
            : throw new AtelierException("the layout roberta needs a tokenizer with a padding token of its own",
                "model.layout", "use the layout bert, or a tokenizer with [PAD] or <pad>");
    }

    private static TrainingSample WriteSample(string path, MaskedTextGenerator generator, TextData text,
        CancellationToken cancellation)
    {
        string shown = MaskedTextEvaluator.Example(generator, text.Validation.Count > 1 ? text.Validation : text.Train,
            position: 0, cancellation);
        string file = path + ".txt";
        AtomicFile.WriteText(file, shown);
        return new TrainingSample(file, shown);
    }
}
