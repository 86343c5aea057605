using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tasks.Pairs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using LayerNorm = Atelier.Layers.LayerNorm;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Transformer;

/// <summary>
/// The encoder-decoder Transformer of "Attention is all you need" (Vaswani et al. 2017), with the variants of Marian
/// and BART (Lewis et al. 2020).
/// </summary>
public sealed class TransformerModel : SequenceToSequenceModel
{
    private const double NormEpsilon = 1e-5;
    private const string Sinusoids = "sinusoids", LogitBiasName = "logitBias";
    private readonly Precision _precision;
    private readonly AttentionProduct _toAll = new(causal: false), _causal = new();
    [ComponentName(Name = Sinusoids)]
    private readonly Tensor? _sinusoids; // [contextLength, hidden]
    [ComponentName(Name = LogitBiasName)]
    private readonly Tensor _logitBias; // [vocabulary]
    private bool _hasLogitBias;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="sourceVocabularySize">The size of the sources' vocabulary; null if targets share it.</param>
    /// <param name="vocabularySize">The size of the targets' vocabulary.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <param name="labelSmoothing">The share of the target probability that the training loss spreads over all
    /// tokens.</param>
    /// <exception cref="AtelierException">The configuration is invalid.</exception>
    public TransformerModel(TransformerConfig config, int? sourceVocabularySize, int vocabularySize,
        Precision precision, long seed, double labelSmoothing = 0)
        : base("transformer", sourceVocabularySize ?? vocabularySize, vocabularySize, config.ContextLength,
            labelSmoothing)
    {
        Config = config.Resolve();
        _precision = precision;
        (int hidden, BlockShape block) = (Config.HiddenSize, Config.Block);
        using var random = new Generator((ulong)seed, CPU);
        double deviation = Math.Pow(hidden, -0.5);
        TargetEmbedding = new Embedding(vocabularySize, hidden, deviation, random);
        SourceEmbedding = sourceVocabularySize is { } size
            ? new Embedding(size, hidden, deviation, random) : TargetEmbedding;
        Encoder = new Stack(Config, block, Config.EncoderLayerCount, _toAll, cross: null, precision, random);
        Decoder = new Stack(Config, block, Config.DecoderLayerCount, _causal, _toAll, precision, random);
        Output = Config.TieHead ? null : new Linear(hidden, vocabularySize, bias: false, precision, deviation, random);
        _logitBias = zeros(vocabularySize);
        register_buffer(LogitBiasName, _logitBias, persistent: false);
        if (Config.Positions == PositionName.Sinusoidal)
        {
            _sinusoids = SinusoidalPositions.Table(Config.ContextLength, hidden);
            register_buffer(Sinusoids, _sinusoids, persistent: false);
        }
        register_module("targets", TargetEmbedding);
        if (sourceVocabularySize is not null)
            register_module("sources", SourceEmbedding);
        register_module("encoder", Encoder);
        register_module("decoder", Decoder);
        if (Output is not null)
            register_module("head", Output);
    }

    /// <summary>The configuration, with every null replaced by its default.</summary>
    public TransformerConfig Config { get; }

    /// <inheritdoc/>
    public override Device Device => TargetEmbedding.Weight.device;

    /// <summary>Whether sources and targets share one vocabulary and its embedding.</summary>
    internal bool SharesEmbedding => ReferenceEquals(SourceEmbedding, TargetEmbedding);

    /// <summary>The embedding of source tokens.</summary>
    internal Embedding SourceEmbedding { get; }

    /// <summary>The embedding of target tokens.</summary>
    internal Embedding TargetEmbedding { get; }

    /// <summary>The encoder.</summary>
    internal Stack Encoder { get; }

    /// <summary>The decoder.</summary>
    internal Stack Decoder { get; }

    /// <summary>
    /// Added to the logits, [vocabulary]; null for none. Published models may have it; training does not change it.
    /// </summary>
    internal Tensor? LogitBias
    {
        get => _hasLogitBias ? _logitBias : null;
        set
        {
            _hasLogitBias = value is not null;
            if (value is not null)
                _logitBias.copy_(value);
        }
    }

    /// <summary>The output layer; null if it shares the weights of the target embedding.</summary>
    internal Linear? Output { get; }

    /// <inheritdoc/>
    public override Tensor Encode(Tensor source, Tensor padding)
    {
        Tensor x = Embed(SourceEmbedding, Encoder, source, start: 0); // [batch, span, hidden]
        var context = new AttentionContext { Padding = padding };
        return Encoder.Layers.Forward(x, _ => context, checkpoint: ActivationCheckpointing ? Through : null);
    }

    /// <inheritdoc/>
    public override Tensor Decode(Tensor ids, Tensor source, Tensor padding, TextMemory? memory,
        Action<Tensor>? alignments = null)
    {
        // two caches a block: of its self-attention and of its cross-attention
        IReadOnlyList<KeyValueCache>? caches = ((LayerMemory<KeyValueCache>?)memory)?.Layers;
        Tensor x = Embed(TargetEmbedding, Decoder, ids, caches?[0].Length ?? 0); // [batch, time, hidden]
        AttentionContext Cross(int i) => new()
        {
            Source = source,
            Padding = padding,
            Cache = caches?[(2 * i) + 1],
            ReportWeights = i == Decoder.Blocks.Count - 1 ? alignments : null,
        };
        // not recomputed in activation checkpointing, since blocks also depend on the encoded source
        return Decoder.Layers.Forward(x, i => new AttentionContext { Cache = caches?[2 * i] }, Cross);
    }

    /// <inheritdoc/>
    public override TextMemory CreateMemory(int sequences) =>
        new LayerMemory<KeyValueCache>(2 * Config.DecoderLayerCount);

    /// <inheritdoc/>
    protected override VocabularyHead VocabularyHead =>
        new(Output?.Weight ?? TargetEmbedding.Weight, LogitBias, _precision);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _toAll.Dispose();
            _causal.Dispose();
        }
        base.Dispose(disposing);
    }

    private Tensor Embed(Embedding embedding, Stack stack, Tensor ids, int start)
    {
        Tensor x = embedding.forward(ids); // [batch, time, hidden]
        if (Config.ScaleEmbedding!.Value)
            x = x.Times(Math.Sqrt(Config.HiddenSize));
        Tensor positions = stack.Positions?.Weight ?? _sinusoids!;
        x = x.Plus(positions.narrow(0, start + stack.FirstPosition, ids.shape[1]));
        x = stack.EmbeddingNorm?.forward(x) ?? x;
        return Dropout.Apply(x, training ? Config.Dropout : 0);
    }

    /// <summary>The blocks of the encoder or of the decoder, with what stands before and after them.</summary>
    internal sealed class Stack : nn.Module
    {
        // BART's table of positions begins with two rows that are not used
        private const int UnusedRows = 2;

        public Stack(TransformerConfig config, BlockShape block, int count, AttentionProduct self,
            AttentionProduct? cross, Precision precision, Generator random)
            : base(nameof(Stack))
        {
            bool isLearned = config.Positions == PositionName.Learned;
            FirstPosition = isLearned && config.Layout == TransformerLayout.Bart ? UnusedRows : 0;
            if (isLearned)
            {
                Positions = new Embedding(config.ContextLength + FirstPosition, config.HiddenSize,
                    Math.Pow(config.HiddenSize, -0.5), random);
                register_module("positions", Positions);
            }
            if (config.EmbeddingNorm!.Value)
            {
                EmbeddingNorm = new LayerNorm(config.HiddenSize, bias: true, NormEpsilon);
                register_module("embeddingNorm", EmbeddingNorm);
            }
            for (int layer = 0; layer < count; layer++)
                Blocks.Add(new TransformerBlock(block, self, cross, precision, random));
            register_module("blocks", Blocks);
            if (config.NormFirst)
            {
                FinalNorm = new LayerNorm(config.HiddenSize, bias: true, NormEpsilon);
                register_module("finalNorm", FinalNorm);
            }
            Layers = new BlockStack(Blocks, FinalNorm);
        }

        /// <summary>The learned positions; null for sinusoidal ones.</summary>
        public Embedding? Positions { get; }

        /// <summary>The row of the first position.</summary>
        public int FirstPosition { get; }

        /// <summary>The normalisation of embeddings, or null.</summary>
        public Norm? EmbeddingNorm { get; }

        /// <summary>The blocks.</summary>
        public ModuleList<TransformerBlock> Blocks { get; } = new();

        /// <summary>The normalisation after the last block, or null.</summary>
        public Norm? FinalNorm { get; }

        /// <summary>The blocks one after another, and the norm.</summary>
        public BlockStack Layers { get; }
    }
}
