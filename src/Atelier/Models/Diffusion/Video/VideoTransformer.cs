using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Diffusion.Video;

/// <summary>
/// A transformer over the patches of all frames of a clip (DiT: Peebles and Xie 2023; over space and time: Brooks et
/// al. 2024), as <see cref="DiffusionTransformer"/> for images. Frames that are given are inputs without noise, marked
/// by a further channel.
/// </summary>
internal sealed class VideoTransformer : DenoisingNetwork
{
    private readonly int _patch;
    private readonly AttentionProduct _product = new(causal: false);
    private readonly TimeEmbedding _time;
    private readonly Linear _first, _modulation, _last;
    private readonly ModuleList<DiffusionBlock> _blocks = new();
    [ComponentName(Name = "positions")]
    private readonly Tensor _positions; // [frames · places, hidden]

    /// <summary>Creates a network with new weights; its first predictions are zero.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shape">Channels, frames, height and width of clips or their latents.</param>
    /// <param name="classes">Number of classes; 0 for none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public VideoTransformer(VideoDiffusionConfig config, long[] shape, int classes, Precision precision,
        Generator random)
        : base(nameof(VideoTransformer))
    {
        (_patch, int hidden) = (config.PatchSize, config.HiddenSize);
        long pixels = _patch * _patch, inputs = (shape[0] + 1) * pixels;
        _time = new TimeEmbedding(hidden, classes, random);
        _first = new Linear(inputs, hidden, bias: true, precision, 1 / Math.Sqrt(inputs), random);
        for (int layer = 0; layer < config.LayerCount; layer++)
            _blocks.Add(new DiffusionBlock(hidden, config.HeadCount, _product, precision, random));
        _modulation = new Linear(hidden, 2 * hidden, bias: true, Precision.Fp32, deviation: 0, random);
        _last = new Linear(hidden, shape[0] * pixels, bias: true, precision, deviation: 0, random);
        _positions = PlanePositions.Of((int)shape[1], (int)(shape[2] * shape[3] / pixels), hidden);
        register_buffer("positions", _positions, persistent: false);
        RegisterComponents();
    }

    /// <summary>The prediction.</summary>
    /// <param name="x">As in <see cref="VideoUNet.Predict"/>.</param>
    /// <param name="times">The time of each clip, [batch], fp32.</param>
    /// <param name="labels">As in <see cref="DenoisingNetwork.Predict"/>.</param>
    /// <returns>[batch, channels, frames, height, width], fp32.</returns>
    public override Tensor Predict(Tensor x, Tensor times, Tensor? labels)
    {
        long batch = x.shape[0], frames = x.shape[2];
        Tensor condition = _time.Forward(times, labels); // [batch, hidden]
        // [batch · frames, values, height / patch, width / patch]
        Tensor patches = F.pixel_unshuffle(x.transpose(1, 2).flatten(0, 1), _patch);
        long values = patches.shape[1], places = patches.shape[2] * patches.shape[3];
        // [batch, frames · places, hidden]
        Tensor stream = _first.forward(patches.view(batch, frames, values, places).transpose(2, 3)
            .reshape(batch, frames * places, values)).to(x.dtype).Plus(_positions);
        foreach (DiffusionBlock block in _blocks)
            stream = block.Forward(stream, condition);
        Tensor[] parts = _modulation.forward(condition).unsqueeze(1).chunk(2, -1); // shift and scale
        Tensor answer = _last.forward(AdaptiveNorm.Apply(stream, parts[0], parts[1])).to(x.dtype);
        answer = answer.view(batch * frames, places, -1).transpose(1, 2)
            .reshape(batch * frames, -1, patches.shape[2], patches.shape[3]);
        return F.pixel_shuffle(answer, _patch).unflatten(0, batch, frames).transpose(1, 2);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }
}
