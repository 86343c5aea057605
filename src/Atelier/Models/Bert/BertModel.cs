using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using LayerNorm = Atelier.Layers.LayerNorm;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Bert;

/// <summary>
/// The Transformer encoder of "BERT: pre-training of deep bidirectional Transformers" (Devlin et al. 2019), with
/// RoBERTa's positions (Liu et al. 2019). Of the two objectives it learns masked language modelling.
/// </summary>
public sealed class BertModel : MaskedTextModel
{
    /// <summary>The standard deviation of the initial weights, as in the published code.</summary>
    internal const double Deviation = 0.02;

    /// <summary>The name of the pooler, with which those of its weights begin.</summary>
    internal const string PoolerName = "pooler";

    /// <summary>The name of the head that predicts tokens.</summary>
    internal const string HeadName = "head";

    private readonly AttentionProduct _product = new(causal: false);
    private readonly Precision _precision;
    private readonly BlockStack _layers;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="vocabularySize">The number of token ids, special tokens included.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <param name="labelSmoothing">The share of the target probability that the training loss spreads over all
    /// tokens.</param>
    /// <param name="padId">The padding token; RoBERTa's positions begin after its number.</param>
    /// <param name="hasHead">Whether the model has the head that predicts tokens.</param>
    /// <param name="hasPooler">Whether the model has a pooler, which published files have for classification. Masked
    /// language modelling does not train it.</param>
    /// <exception cref="AtelierException">The configuration is invalid.</exception>
    public BertModel(BertConfig config, int vocabularySize, Precision precision, long seed, double labelSmoothing = 0,
        int padId = 0, bool hasHead = true, bool hasPooler = false)
        : base("bert", vocabularySize, config.ContextLength, labelSmoothing)
    {
        Config = config.Resolve();
        (_precision, PadId) = (precision, padId);
        (int hidden, double epsilon) = (Config.HiddenSize, Config.NormEpsilon!.Value);
        FirstPosition = Config.Layout == BertLayout.Roberta ? padId + 1 : 0;
        using var random = new Generator((ulong)seed, CPU);
        Tokens = new Embedding(vocabularySize, hidden, Deviation, random);
        Positions = new Embedding(FirstPosition + Config.ContextLength, hidden, Deviation, random);
        Types = new Embedding(Config.TypeCount!.Value, hidden, Deviation, random);
        EmbeddingNorm = new LayerNorm(hidden, bias: true, epsilon);
        for (int layer = 0; layer < Config.LayerCount; layer++)
            Blocks.Add(new TransformerBlock(Config.Block, _product, cross: null, precision, random));
        _layers = new BlockStack(Blocks);
        register_module("tokens", Tokens);
        register_module("positions", Positions);
        register_module("types", Types);
        register_module("embeddingNorm", EmbeddingNorm);
        register_module("blocks", Blocks);
        if (hasHead)
        {
            MaskedHead = new Prediction(Config, vocabularySize, precision, random);
            register_module(HeadName, MaskedHead);
        }
        if (hasPooler)
        {
            Pooler = new Linear(hidden, hidden, bias: true, precision, Deviation, random);
            register_module(PoolerName, Pooler);
        }
    }

    /// <summary>The configuration, with every null replaced by its default.</summary>
    public BertConfig Config { get; }

    /// <inheritdoc/>
    public override bool PredictsTokens => MaskedHead is not null;

    /// <inheritdoc/>
    public override int HiddenSize => Config.HiddenSize;

    /// <inheritdoc/>
    public override Device Device => Tokens.Weight.device;

    /// <summary>The padding token.</summary>
    internal int PadId { get; }

    /// <summary>The row of the first position.</summary>
    internal int FirstPosition { get; }

    /// <summary>The embedding of tokens.</summary>
    internal Embedding Tokens { get; }

    /// <summary>The embedding of positions.</summary>
    internal Embedding Positions { get; }

    /// <summary>The embedding of token types.</summary>
    internal Embedding Types { get; }

    /// <summary>The normalisation of the sum of embeddings.</summary>
    internal Norm EmbeddingNorm { get; }

    /// <summary>The blocks.</summary>
    internal ModuleList<TransformerBlock> Blocks { get; } = new();

    /// <summary>The head that predicts tokens, or null.</summary>
    internal Prediction? MaskedHead { get; }

    /// <summary>The pooler, or null.</summary>
    internal Linear? Pooler { get; }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor View)> PublishedWeights() => BertWeights.Views(this);

    /// <inheritdoc/>
    protected override IReadOnlyList<Parameter> Learned => Pooler is null ? base.Learned
        : [.. named_parameters().Where(p => !p.name.StartsWith(PoolerName, StringComparison.Ordinal))
            .Select(p => p.parameter)];

    /// <inheritdoc/>
    public override Tensor Encode(Tensor ids, Tensor? padding = null) => Encode(ids, padding, types: null);

    /// <summary>Encodes sequences to hidden states, each conditioned on the whole sequence.</summary>
    /// <param name="ids">The token ids, [batch, time], int64, on the model's device.</param>
    /// <param name="padding">True at padding, [batch, time], bool; null for none.</param>
    /// <param name="types">The types of the tokens, [batch, time], int64; null if all have the first type.</param>
    /// <returns>The hidden states, [batch, time, hidden].</returns>
    public Tensor Encode(Tensor ids, Tensor? padding, Tensor? types) => 
        Encode(ids, padding, types, ActivationCheckpointing ? Through : null);

    /// <summary>Encodes sequences to hidden states.</summary>
    /// <param name="ids">As in the public method.</param>
    /// <param name="padding">As in the public method.</param>
    /// <param name="types">As in the public method.</param>
    /// <param name="checkpoint">Computes a block and stores only its input: <see cref="GradientModel{TBatch}.Through"/>
    /// of the model that is trained; null stores all activations.</param>
    internal Tensor Encode(Tensor ids, Tensor? padding, Tensor? types,
        Func<Func<Tensor, Tensor>, Tensor, Tensor>? checkpoint)
    {
        Tensor type = types is null ? Types.Weight.narrow(0, 0, 1) : Types.forward(types);
        Tensor x = Tokens.forward(ids).Plus(type)
            .Plus(Positions.Weight.narrow(0, FirstPosition, ids.shape[1])); // [batch, time, hidden]
        x = Dropout.Apply(EmbeddingNorm.forward(x), training ? Config.Dropout : 0);
        AttentionContext? context = padding is null ? null : new() { Padding = padding };
        return _layers.Forward(x, context is null ? null : _ => context, checkpoint: checkpoint);
    }

    /// <summary>Computes tanh(W x + b) of the first token's hidden state x.</summary>
    /// <param name="hidden">The hidden states, [batch, time, hidden].</param>
    /// <returns>[batch, hidden].</returns>
    /// <exception cref="InvalidOperationException">The model has no pooler.</exception>
    public Tensor Pool(Tensor hidden) =>
        (Pooler ?? throw new InvalidOperationException("the model has no pooler"))
            .forward(hidden.narrow(1, 0, 1).squeeze(1)).tanh();

    /// <inheritdoc/>
    protected override Tensor Transform(Tensor hidden) => RequiredHead.forward(hidden);

    /// <inheritdoc/>
    protected override VocabularyHead VocabularyHead =>
        new(RequiredHead.Decoder?.Weight ?? Tokens.Weight, RequiredHead.Bias, _precision);

    private Prediction RequiredHead => MaskedHead ?? throw new InvalidOperationException("the model has no head");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>
    /// The head that predicts tokens: E norm(activation(W x + b)) + c, where E is the token embedding.
    /// </summary>
    internal sealed class Prediction : nn.Module<Tensor, Tensor>
    {
        private readonly ActivationName _activation;

        public Prediction(BertConfig config, int vocabularySize, Precision precision, Generator random)
            : base(nameof(Prediction))
        {
            _activation = config.Activation;
            int hidden = config.HiddenSize;
            Dense = new Linear(hidden, hidden, bias: true, precision, Deviation, random);
            Norm = new LayerNorm(hidden, bias: true, config.NormEpsilon!.Value);
            Bias = new Parameter(zeros(vocabularySize));
            register_module("dense", Dense);
            register_module("norm", Norm);
            register_parameter("bias", Bias);
            if (!config.TieHead)
            {
                Decoder = new Linear(hidden, vocabularySize, bias: false, precision, Deviation, random);
                register_module("decoder", Decoder);
            }
        }

        /// <summary>The linear layer before the norm.</summary>
        public Linear Dense { get; }

        /// <summary>The norm.</summary>
        public Norm Norm { get; }

        /// <summary>The bias of each token, [vocabulary].</summary>
        [field: ComponentName(Name = "bias")]
        public Parameter Bias { get; }

        /// <summary>The output layer; null if it shares the weights of the token embedding.</summary>
        public Linear? Decoder { get; }

        /// <summary>[..., hidden] → the same.</summary>
        public override Tensor forward(Tensor input)
        {
            Tensor inner = FeedForward.Activate(_activation, Dense.forward(input));
            return Norm.forward(inner.dtype == ScalarType.BFloat16 ? inner.to(ScalarType.Float32) : inner);
        }
    }
}
