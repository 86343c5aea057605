using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Video;

/// <summary>
/// Transformer blocks over all places of all frames at the lowest resolution of a video network, with a learned vector
/// for each place and frame.
/// </summary>
internal sealed class SpaceTimeAttention : nn.Module
{
    private const double Deviation = 0.02; // of the initial weights (Radford et al. 2018, section 4.1)
    private readonly int _frames;
    private readonly ModuleList<TransformerBlock> _blocks = new();
    private readonly BlockStack _layers;

    /// <summary>Creates the blocks with new weights.</summary>
    /// <param name="layers">The number of blocks.</param>
    /// <param name="channels">Channels of the features.</param>
    /// <param name="heads">The number of attention heads; it divides the channels.</param>
    /// <param name="frames">Frames of a clip.</param>
    /// <param name="places">Places of a frame.</param>
    /// <param name="product">Computes attention, in no order.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="random">Draws the weights.</param>
    public SpaceTimeAttention(int layers, int channels, int heads, int frames, int places, AttentionProduct product,
        Precision precision, Generator random)
        : base(nameof(SpaceTimeAttention))
    {
        _frames = frames;
        var shape = new BlockShape(channels, heads, channels / heads, 4 * channels)
        {
            Activation = ActivationName.Gelu, NormFirst = true, Deviation = Deviation,
        };
        for (int layer = 0; layer < layers; layer++)
            _blocks.Add(new TransformerBlock(shape, product, cross: null, precision, random));
        _layers = new BlockStack(_blocks);
        Positions = new Parameter(empty((long)frames * places, channels).normal_(0, Deviation, random));
        register_module("blocks", _blocks);
        register_parameter("positions", Positions);
    }

    /// <summary>The vectors of the places of all frames, [frames · places, channels].</summary>
    [field: ComponentName(Name = "positions")]
    public Parameter Positions { get; }

    /// <summary>Computes the blocks.</summary>
    /// <param name="x">[batch · frames, channels, height, width].</param>
    /// <returns>The shape and type of x.</returns>
    public Tensor Forward(Tensor x)
    {
        long channels = x.shape[1], places = x.shape[2] * x.shape[3], batch = x.shape[0] / _frames;
        Tensor tokens = x.to(ScalarType.Float32).view(batch, _frames, channels, places).permute(0, 1, 3, 2)
            .reshape(batch, _frames * places, channels).Plus(Positions);
        return _layers.Forward(tokens).to(x.dtype).view(batch, _frames, places, channels).permute(0, 1, 3, 2)
            .reshape(x.shape);
    }
}
