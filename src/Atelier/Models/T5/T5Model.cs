using Atelier.Layers;
using Atelier.Tasks.Pairs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.T5;

/// <summary>
/// T5, an encoder-decoder Transformer for tasks from text to text (Raffel et al. 2020). It differs from the Transformer
/// of Vaswani et al. 2017 in its norms, which have no mean and come first, in that no layer has a bias, that scores of
/// attention are not scaled, and that positions are biases of the scores (section 2.1).
/// </summary>
public sealed class T5Model : SequenceToSequenceModel
{
    private readonly Precision _precision;
    private readonly AttentionProduct _toAll = new(causal: false, scale: 1), _causal = new(causal: true, scale: 1);

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="vocabularySize">The size of the vocabulary, which sources and targets share.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <param name="labelSmoothing">The share of the target probability that the training loss spreads over all
    /// tokens.</param>
    /// <exception cref="AtelierException">The configuration is invalid.</exception>
    public T5Model(T5Config config, int vocabularySize, Precision precision, long seed, double labelSmoothing = 0)
        : base("t5", vocabularySize, vocabularySize, config.ContextLength, labelSmoothing)
    {
        Config = config.Resolve();
        _precision = precision;
        using var random = new Generator((ulong)seed, CPU);
        Embedding = new Embedding(vocabularySize, Config.HiddenSize, deviation: 1, random);
        Encoder = new Stack(Config, Config.EncoderLayerCount, _toAll, cross: null, precision, random);
        Decoder = new Stack(Config, Config.DecoderLayerCount, _causal, _toAll, precision, random);
        Output = Config.TieHead!.Value ? null : new Linear(Config.HiddenSize, vocabularySize, bias: false, precision,
            Math.Pow(Config.HiddenSize, -0.5), random);
        register_module("embedding", Embedding);
        register_module("encoder", Encoder);
        register_module("decoder", Decoder);
        if (Output is not null)
            register_module("head", Output);
    }

    /// <summary>The configuration, with every null replaced by its default.</summary>
    public T5Config Config { get; }

    /// <inheritdoc/>
    public override Device Device => Embedding.Weight.device;

    /// <summary>The embedding of source and target tokens.</summary>
    internal Embedding Embedding { get; }

    /// <summary>The encoder.</summary>
    internal Stack Encoder { get; }

    /// <summary>The decoder.</summary>
    internal Stack Decoder { get; }

    /// <summary>The output layer; null if it shares the weights of the embedding.</summary>
    internal Linear? Output { get; }

    /// <inheritdoc/>
    public override Tensor Encode(Tensor source, Tensor padding)
    {
        long span = source.shape[1];
        var context = new AttentionContext { Padding = padding, Bias = Encoder.Positions.Of(0, span, span) };
        Tensor x = Drop(Embedding.forward(source)); // [batch, span, hidden]
        return Drop(Encoder.Layers.Forward(x, _ => context));
    }

    /// <inheritdoc/>
    public override Tensor Decode(Tensor ids, Tensor source, Tensor padding, TextMemory? memory,
        Action<Tensor>? alignments = null)
    {
        // two caches a block: of its self-attention and of its cross-attention
        IReadOnlyList<KeyValueCache>? caches = ((LayerMemory<KeyValueCache>?)memory)?.Layers;
        long start = caches?[0].Length ?? 0, time = ids.shape[1];
        Tensor bias = Decoder.Positions.Of(start, time, start + time);
        Tensor x = Drop(Embedding.forward(ids)); // [batch, time, hidden]
        AttentionContext Cross(int i) => new()
        {
            Source = source,
            Padding = padding,
            Cache = caches?[(2 * i) + 1],
            ReportWeights = i == Decoder.Blocks.Count - 1 ? alignments : null,
        };
        // not recomputed in activation checkpointing, since blocks depend on biases and sources that need gradients too
        x = Drop(Decoder.Layers.Forward(x, i => new AttentionContext { Bias = bias, Cache = caches?[2 * i] }, Cross));
        return Config.ScaleOutput!.Value ? x.Times(Math.Pow(Config.HiddenSize, -0.5)) : x;
    }

    /// <inheritdoc/>
    public override TextMemory CreateMemory(int sequences) =>
        new LayerMemory<KeyValueCache>(2 * Config.DecoderLayerCount);

    /// <inheritdoc/>
    protected override VocabularyHead VocabularyHead => new(Output?.Weight ?? Embedding.Weight, null, _precision);

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

    private Tensor Drop(Tensor x) => Dropout.Apply(x, training ? Config.Dropout : 0);

    /// <summary>The blocks of the encoder or of the decoder, their positions and the norm after the last.</summary>
    internal sealed class Stack : nn.Module
    {
        public Stack(T5Config config, int count, AttentionProduct self, AttentionProduct? cross, Precision precision,
            Generator random)
            : base(nameof(Stack))
        {
            for (int layer = 0; layer < count; layer++)
                Blocks.Add(new TransformerBlock(config.Block, self, cross, precision, random));
            Positions = new RelativePositionBias(config.RelativeBuckets, config.RelativeDistance, config.HeadCount,
                bidirectional: !self.IsCausal, Math.Pow(config.HiddenSize, -0.5), random);
            FinalNorm = new RmsNorm(config.HiddenSize, config.NormEpsilon);
            register_module("blocks", Blocks);
            register_module("positions", Positions);
            register_module("finalNorm", FinalNorm);
            Layers = new BlockStack(Blocks, FinalNorm);
        }

        /// <summary>The blocks.</summary>
        public ModuleList<TransformerBlock> Blocks { get; } = new();

        /// <summary>The biases of self-attention.</summary>
        public RelativePositionBias Positions { get; }

        /// <summary>The normalisation after the last block.</summary>
        public Norm FinalNorm { get; }

        /// <summary>The blocks one after another, and the norm.</summary>
        public BlockStack Layers { get; }
    }
}
