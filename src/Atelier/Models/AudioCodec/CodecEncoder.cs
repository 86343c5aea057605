using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// The encoder: levels that shorten time by a convolution with a stride, then residual units; at last, the vectors to
/// be coded.
/// </summary>
internal sealed class CodecEncoder : nn.Module<Tensor, Tensor>
{
    private const int Kernel = 3;

    private readonly ModuleList<nn.Module<Tensor, Tensor>> _layers = new();
    private readonly TimeConvolution _last;

    public CodecEncoder(AudioCodecConfig config, int channels, Precision precision, Generator random)
        : base(nameof(CodecEncoder))
    {
        int inputs = channels;
        foreach ((int outputs, int stride) in config.Channels.Zip(config.Strides))
        {
            // the samples themselves are not rounded to bf16
            _layers.Add(new TimeDownsampling(inputs, outputs, stride, _layers.Count == 0 ? Precision.Fp32 : precision,
                random));
            foreach (ResidualUnit unit in ResidualUnit.Level(config.Blocks, outputs, precision, random))
                _layers.Add(unit);
            inputs = outputs;
        }
        _last = new TimeConvolution(inputs, config.CodeDimension, Kernel, 1, precision, random);
        RegisterComponents();
    }

    /// <summary>[batch, time, channels] → [batch, time / frame length, code dimension], fp32.</summary>
    public override Tensor forward(Tensor input)
    {
        Tensor x = _layers.Aggregate(input, (y, layer) => layer.forward(y).to(ScalarType.Float32));
        return _last.forward(nn.functional.silu(x)).to(ScalarType.Float32);
    }
}
