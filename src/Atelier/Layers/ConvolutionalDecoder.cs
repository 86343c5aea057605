using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>
/// A convolutional decoder. Each level has residual blocks, then a convolution that doubles width and height; the last
/// convolution computes two by two pixels at each position (Shi et al. 2016).
/// </summary>
internal sealed class ConvolutionalDecoder : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<nn.Module<Tensor, Tensor>> _layers = new();
    private readonly GroupNorm _norm;
    private readonly Convolution _last;

    /// <summary>Creates a decoder with new weights.</summary>
    /// <param name="channels">The channels of each level of the encoder.</param>
    /// <param name="blocks">The number of residual blocks in each level.</param>
    /// <param name="outputs">The channels of an image.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="random">Draws the initial weights.</param>
    public ConvolutionalDecoder(IReadOnlyList<int> channels, int blocks, int outputs, Precision precision,
        Generator random)
        : base(nameof(ConvolutionalDecoder))
    {
        for (int level = channels.Count - 1; level >= 0; level--)
        {
            int own = channels[level];
            for (int block = 0; block < blocks; block++)
                _layers.Add(new ResidualConvolution(own, own, conditionSize: 0, precision, random));
            if (level > 0)
                _layers.Add(new Doubling(own, channels[level - 1], precision, random));
        }
        _norm = new GroupNorm(ResidualConvolution.Groups, channels[0]);
        _last = new Convolution(channels[0], 4 * outputs, 3, 1, precision, random);
        RegisterComponents();
    }

    /// <summary>
    /// [batch, last channels, height / 2^levels, width / 2^levels] → [batch, channels, height, width], fp32.
    /// </summary>
    public override Tensor forward(Tensor input)
    {
        Tensor x = _layers.Aggregate(input, (y, layer) => layer.forward(y));
        return F.pixel_shuffle(_last.forward(_norm.Silu(x)).to(ScalarType.Float32), 2);
    }

    /// <summary>A convolution over images of doubled width and height.</summary>
    private sealed class Doubling : nn.Module<Tensor, Tensor>
    {
        private readonly Convolution _conv;

        public Doubling(int inputs, int outputs, Precision precision, Generator random)
            : base(nameof(Doubling))
        {
            _conv = new Convolution(inputs, outputs, 3, 1, precision, random);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => _conv.ForwardDoubled(input);
    }
}
