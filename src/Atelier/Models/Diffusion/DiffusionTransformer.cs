using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Diffusion;

/// <summary>
/// A transformer over patches of an image (DiT; Peebles and Xie 2023): each patch is a position with a fixed encoding,
/// the blocks are conditioned on time and class, and the last layer turns each position into a patch again.
/// </summary>
internal sealed class DiffusionTransformer : DenoisingNetwork
{
    private readonly int _patch;
    private readonly AttentionProduct _product = new(causal: false);
    private readonly TimeEmbedding _time;
    private readonly Linear _first;
    [ComponentName(Name = "_told")] // as bundles name it
    private readonly Linear _modulation;
    private readonly Linear _last;
    private readonly ModuleList<DiffusionBlock> _blocks = new();
    [ComponentName(Name = "positions")]
    private readonly Tensor _positions; // [positions, hidden]

    /// <summary>Creates a network with new weights; its first predictions are zero.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shape">Channels, height and width of the input.</param>
    /// <param name="outputs">Channels of the prediction.</param>
    /// <param name="classes">Number of classes; 0 for none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public DiffusionTransformer(DiffusionConfig config, long[] shape, int outputs, int classes, Precision precision,
        Generator random)
        : base(nameof(DiffusionTransformer))
    {
        (_patch, int hidden) = (config.PatchSize, config.HiddenSize);
        long inputValues = shape[0] * _patch * _patch, outputValues = (long)outputs * _patch * _patch; // of a patch
        _time = new TimeEmbedding(hidden, classes, random);
        _first = new Linear(inputValues, hidden, bias: true, precision, 1 / Math.Sqrt(inputValues), random);
        for (int layer = 0; layer < config.LayerCount; layer++)
            _blocks.Add(new DiffusionBlock(hidden, config.HeadCount, _product, precision, random));
        _modulation = new Linear(hidden, 2 * hidden, bias: true, Precision.Fp32, deviation: 0, random);
        _last = new Linear(hidden, outputValues, bias: true, precision, deviation: 0, random);
        _positions = PlanePositions.Of((int)shape[1] / _patch, (int)shape[2] / _patch, hidden);
        register_buffer("positions", _positions, persistent: false);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor Predict(Tensor x, Tensor times, Tensor? labels)
    {
        Tensor condition = _time.Forward(times, labels); // [batch, hidden]
        Tensor patches = F.pixel_unshuffle(x, _patch); // [batch, values, height / patch, width / patch]
        // [batch, positions, hidden]
        Tensor stream = _first.forward(patches.flatten(2).transpose(1, 2)).to(x.dtype).Plus(_positions);
        foreach (DiffusionBlock block in _blocks)
            stream = block.Forward(stream, condition);
        Tensor[] parts = _modulation.forward(condition).unsqueeze(1).chunk(2, -1); // shift and scale
        Tensor answer = _last.forward(AdaptiveNorm.Apply(stream, parts[0], parts[1])).to(x.dtype);
        return F.pixel_shuffle(answer.transpose(1, 2).reshape(patches.shape[0], -1, patches.shape[2], patches.shape[3]),
            _patch);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }
}
