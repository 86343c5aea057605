using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;
using Sequential = Atelier.Layers.Sequential;

namespace Atelier.Models.Gpt;

/// <summary>
/// A causal Transformer with the architecture of GPT-2 (Radford et al. 2019), of Llama (Touvron et al. 2023), or a
/// combination of both.
/// </summary>
public sealed class GptModel : TextModel
{
    /// <summary>The standard deviation of the initial weights (Radford et al. 2018, section 4.1).</summary>
    internal const double Deviation = 0.02;

    private readonly Precision _precision;
    private readonly AttentionProduct _product = new();
    private readonly Sequential _layers; // all blocks and the final norm

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="vocabularySize">The size of the vocabulary.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <param name="labelSmoothing">The fraction of the target probability that the training loss spreads over all
    /// tokens, from 0.</param>
    /// <param name="scaling">The scaling of the rotary angles of imported models; null for none.</param>
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
        _layers = new Sequential([.. Blocks.Select(block => block.Layers)], FinalNorm);
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

    /// <summary>The configuration, with every null replaced by its default.</summary>
    public GptConfig Config { get; }

    /// <summary>The scaling of the rotary angles; null for none.</summary>
    public RotaryScaling? RopeScaling { get; }

    /// <inheritdoc/>
    public override Device Device => TokenEmbedding.Weight.device;

    /// <summary>The embedding of tokens.</summary>
    internal Embedding TokenEmbedding { get; }

    /// <summary>The embedding of learned positions; null for rotary positions.</summary>
    internal Embedding? PositionEmbedding { get; }

    /// <summary>The Transformer blocks.</summary>
    internal ModuleList<GptBlock> Blocks { get; } = new();

    /// <summary>The normalisation after the last block.</summary>
    internal Norm FinalNorm { get; }

    /// <summary>The output layer; null if it shares the weights of the token embedding.</summary>
    internal Linear? Output { get; }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor View)> PublishedWeights() =>
        GptWeights.Views(this).Where(weight => weight.View is not null).Select(weight => (weight.Name, weight.View!));

    /// <inheritdoc/>
    public override Tensor Encode(Tensor ids, TextMemory? memory)
    {
        IReadOnlyList<KeyValueCache>? caches = ((LayerMemory<KeyValueCache>?)memory)?.Layers;
        Tensor x = TokenEmbedding.forward(ids); // [batch, time, hidden]
        if (PositionEmbedding is not null)
            x = x.Plus(PositionEmbedding.Weight.narrow(0, caches?[0].Length ?? 0, ids.shape[1]));
        x = Dropout.Apply(x, training ? Config.Dropout : 0);
        List<AttentionContext>? contexts = caches?.Select(cache => new AttentionContext { Cache = cache }).ToList();
        return _layers.Forward(x, contexts, ActivationCheckpointing ? Through : null);
    }

    /// <inheritdoc/>
    internal override Tensor EncodePacked(Tensor ids, Tensor positions)
    {
        var packed = PackedTexts.Of(positions, ids.device);
        Tensor x = TokenEmbedding.forward(ids); // [batch, time, hidden]
        if (PositionEmbedding is not null)
            x = x.Plus(PositionEmbedding.forward(packed.Positions));
        x = Dropout.Apply(x, training ? Config.Dropout : 0);
        var context = new AttentionContext { Packed = packed };
        return _layers.Forward(x, [.. Blocks.Select(_ => context)], ActivationCheckpointing ? Through : null);
    }

    /// <inheritdoc/>
    protected override VocabularyHead VocabularyHead =>
        new(Output?.Weight ?? TokenEmbedding.Weight, Output?.Bias, _precision);

    /// <inheritdoc/>
    public override TextMemory CreateMemory(int sequences) => new LayerMemory<KeyValueCache>(Config.LayerCount);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }
}
