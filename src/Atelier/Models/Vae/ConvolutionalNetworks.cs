using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Layers.Convolution;
using GroupNorm = Atelier.Layers.GroupNorm;

namespace Atelier.Models.Vae;

/// <summary>An encoder whose levels have a convolution that halves width and height, then residual blocks.</summary>
internal sealed class ConvolutionalEncoder : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<nn.Module<Tensor, Tensor>> _layers = new();
    private readonly GroupNorm _norm;

    public ConvolutionalEncoder(VaeConfig config, ImageSchema schema, Precision precision, Generator random)
        : base(nameof(ConvolutionalEncoder))
    {
        int inputs = schema.Channels;
        foreach (int outputs in config.Channels)
        {
            _layers.Add(new Convolution(inputs, outputs, 3, 2, precision, random));
            for (int block = 0; block < config.Blocks; block++)
                _layers.Add(new ResidualConvolution(outputs, outputs, conditionSize: 0, precision, random));
            inputs = outputs;
        }
        _norm = new GroupNorm(ResidualConvolution.Groups, inputs);
        RegisterComponents();
    }

    /// <summary>
    /// [batch, channels, height, width] → [batch, last channels, height / 2^levels, width / 2^levels], bf16 if that is
    /// the precision.
    /// </summary>
    public override Tensor forward(Tensor input) =>
        _norm.Silu(_layers.Aggregate(input, (x, layer) => layer.forward(x)));
}

/// <summary>
/// A convolutional decoder. Each level has residual blocks, then a convolution that doubles width and height; the last
/// convolution computes two by two pixels at each position (Shi et al. 2016).
/// </summary>
internal sealed class ConvolutionalDecoder : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<nn.Module<Tensor, Tensor>> _layers = new();
    private readonly GroupNorm _norm;
    private readonly Convolution _last;

    public ConvolutionalDecoder(VaeConfig config, ImageSchema schema, Precision precision, Generator random)
        : base(nameof(ConvolutionalDecoder))
    {
        for (int level = config.Channels.Count - 1; level >= 0; level--)
        {
            int channels = config.Channels[level];
            for (int block = 0; block < config.Blocks; block++)
                _layers.Add(new ResidualConvolution(channels, channels, conditionSize: 0, precision, random));
            if (level > 0)
                _layers.Add(new Doubling(channels, config.Channels[level - 1], precision, random));
        }
        _norm = new GroupNorm(ResidualConvolution.Groups, config.Channels[0]);
        _last = new Convolution(config.Channels[0], 4 * schema.Channels, 3, 1, precision, random);
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
