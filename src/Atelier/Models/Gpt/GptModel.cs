using Atelier.Layers;
using Atelier.Layers.Fused;
using Atelier.Networks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Gpt;

/// <summary>
/// A causal Transformer: GPT-2's shape (Radford et al. 2019), Llama's (Touvron et al. 2023), and combinations of both.
/// </summary>
public sealed class GptModel : TextModel
{
    /// <summary>The standard deviation of the initial weights (Radford et al. 2018, section 4.1).</summary>
    internal const double Deviation = 0.02;

    private readonly Precision _precision;
    private readonly AttentionProduct _product = new();
    private readonly IKernelLayer[] _kernels; // of all blocks and the last norm

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="vocabularySize">The size of the vocabulary.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <param name="labelSmoothing">The share of probability that the training loss spreads over all tokens.</param>
    /// <param name="scaling">How rotary angles are stretched, in models that learned so elsewhere; or null.</param>
    /// <exception cref="AtelierException">The configuration is invalid.</exception>
    public GptModel(GptConfig config, int vocabularySize, Precision precision, long seed, double labelSmoothing = 0,
        RotaryScaling? scaling = null)
        : base("gpt", vocabularySize, config.ContextLength, labelSmoothing)
    {
        Config = config.Resolve();
        RopeScaling = scaling;
        _precision = precision;
        using var random = new Generator((ulong)seed, CPU);
        TokenEmbedding = new Embedding(vocabularySize, Config.HiddenSize, Deviation, random);
        PositionEmbedding = Config.Positions == PositionName.Learned
            ? new Embedding(Config.ContextLength, Config.HiddenSize, Deviation, random)
            : null;
        RotaryPositions? rotary = Config.Positions == PositionName.Rotary
            ? new RotaryPositions(Config.HeadSize!.Value, Config.ContextLength, Config.RopeTheta, scaling)
            : null;
        for (int layer = 0; layer < Config.LayerCount; layer++)
            Blocks.Add(new GptBlock(Config, rotary, _product, precision, random));
        FinalNorm = GptBlock.CreateNorm(Config);
        _kernels = [.. Blocks.SelectMany(block => block.Kernels), new KernelNorm((IKernelNorm)FinalNorm)];
        Output = Config.TieHead!.Value
            ? null
            : new Linear(Config.HiddenSize, vocabularySize, bias: false, precision, Deviation, random);

        register_module("tokens", TokenEmbedding);
        if (PositionEmbedding is not null)
            register_module("positions", PositionEmbedding);
        if (rotary is not null)
            register_module("rotary", rotary);
        register_module("blocks", Blocks);
        register_module("finalNorm", FinalNorm);
        if (Output is not null)
            register_module("head", Output);
    }

    /// <summary>Its shape, with every default filled in.</summary>
    public GptConfig Config { get; }

    /// <summary>The scaling of the rotary angles, or null.</summary>
    public RotaryScaling? RopeScaling { get; }

    /// <inheritdoc/>
    public override Device Device => TokenEmbedding.Weight.device;

    internal Embedding TokenEmbedding { get; }

    internal Embedding? PositionEmbedding { get; }

    internal ModuleList<GptBlock> Blocks { get; } = new();

    internal nn.Module<Tensor, Tensor> FinalNorm { get; }

    internal Linear? Output { get; }

    /// <inheritdoc/>
    public override Tensor Encode(Tensor ids, TextMemory? memory)
    {
        var caches = (GptMemory?)memory;
        Tensor x = TokenEmbedding.forward(ids); // [batch, time, hidden]
        if (PositionEmbedding is not null)
            x = x.Plus(PositionEmbedding.Weight.narrow(0, caches?.Length ?? 0, ids.shape[1]));
        if (training && Config.Dropout > 0)
            x = Dropout.Apply(x, Config.Dropout);
        if (caches is null && !ActivationCheckpointing && Blocks.All(block => block.KernelsServe(x)))
            return KernelLayers.Run(x, _kernels);
        for (int layer = 0; layer < Blocks.Count; layer++)
        {
            (GptBlock block, KeyValueCache? cache) = (Blocks[layer], caches?[layer]);
            x = Through(stream => block.Forward(stream, cache), x);
        }
        return FinalNorm.forward(x);
    }

    /// <inheritdoc/>
    protected override (Tensor Weight, Tensor? Bias, Precision Precision) HeadProduct =>
        (Output?.Weight ?? TokenEmbedding.Weight, Output?.Bias, _precision);

    /// <inheritdoc/>
    public override TextMemory CreateMemory(int sequences) => new GptMemory(Config.LayerCount);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Keys and values of each layer.</summary>
    private sealed class GptMemory(int layerCount) : TextMemory
    {
        private readonly KeyValueCache[] _layers =
            [.. Enumerable.Range(0, layerCount).Select(_ => new KeyValueCache())];

        public int Length => _layers[^1].Length;

        public KeyValueCache this[int layer] => _layers[layer];

        public override void Select(Tensor parents)
        {
            foreach (KeyValueCache layer in _layers)
                layer.Select(parents);
        }

        public override void Dispose()
        {
            foreach (KeyValueCache layer in _layers)
                layer.Dispose();
        }
    }
}
