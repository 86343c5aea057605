using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
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
    public IReadOnlyList<ITask> Tasks { get; } = [new TextTask()];

    /// <inheritdoc/>
    public Type ConfigType => typeof(BertConfig);

    /// <inheritdoc/>
    public IEnumerable<IgnoredKeys> Ignored(Recipe recipe) =>
    [
        new("a masked language model",
        [
            "evaluation.stride", "evaluation.baselineOrder",
            .. GenerationSection.DecodingKeys.Except(TextTask.MaskedOptions.Select(option => "generation." + option)),
        ]),
    ];

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        if (data is not TextData text)
            throw new AtelierException($"the family {Name} trains on text", "data.source",
                "use text, or another family");
        BertConfig config = ((BertConfig?)recipe.Model.Config ?? new BertConfig()).Resolve();
        MaskedTokens tokens = TokensOf(text, config);
        int maskId = tokens.MaskId!.Value, vocabulary = Math.Max(text.Tokenizer.VocabularySize, maskId + 1);
        BertModel CreateModel() => new(config, vocabulary, recipe.Training.ChosenPrecision, recipe.Seed,
            recipe.Training.LabelSmoothing, tokens.PadId);
        BertModel model = CreateModel();
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
    public static BertModel ReadModel(Bundle bundle, CancellationToken cancellation = default)
    {
        ConfigFile file = ConfigFile.Read(bundle.ConfigPath);
        IReadOnlyDictionary<string, Tensor> tensors = BundleTensors.Read(bundle, cancellation);
        try
        {
            return ReadModel(file, tensors, bundle.WeightsPath);
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    /// <summary>Creates the network that config.json and the weights describe.</summary>
    internal static BertModel ReadModel(ConfigFile file, IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        BertConfig config = BertConfigFile.Read(file);
        (int pad, int vocabulary) = (BertConfigFile.PadId(file), file.VocabularySize);
        Int128 claimed = BertWeights.ParameterCount(config, vocabulary, pad);
        Int128 held = tensors.Values.Sum(tensor => tensor.numel());
        if (vocabulary < 1 || claimed > held)
            throw new AtelierException($"holds {held} weights, but config.json describes at least {claimed}", where,
                "download or export the model again");
        (bool hasHead, bool hasPooler) = BertWeights.PartsOf(tensors);
        var model = new BertModel(config, vocabulary, Precision.Fp32, seed: 0, padId: pad, hasHead: hasHead,
            hasPooler: hasPooler);
        try
        {
            BertWeights.Import(model, tensors, where);
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
    /// The special tokens of a new model. Where the tokenizer has none of its own, the mask token is one more row of
    /// the embedding, and the end-of-text token stands for the others.
    /// </summary>
    private static MaskedTokens TokensOf(TextData text, BertConfig config)
    {
        int? end = text.Train.EndOfTextId;
        MaskedTokens tokens = MaskedTokens.Of(text.Tokenizer,
            new MaskedTokens(text.Tokenizer.VocabularySize) { BeginId = end, EndId = end, PadId = end ?? 0 });
        // the positions of RoBERTa's files are counted from the padding token, wherever it occurs in a sequence
        return config.Layout == BertLayout.Bert || text.Tokenizer.Special.Pad is not null ? tokens
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
