using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// The decoder: the encoder in reverse, with residual units and then a transposed convolution in each level.
/// </summary>
internal sealed class CodecDecoder : nn.Module<Tensor, Tensor>
{
    private const int Kernel = 3;

    private readonly TimeConvolution _first;
    private readonly ModuleList<nn.Module<Tensor, Tensor>> _layers = new();

    public CodecDecoder(AudioCodecConfig config, int channels, Precision precision, Generator random)
        : base(nameof(CodecDecoder))
    {
        _first = new TimeConvolution(config.CodeDimension, config.Channels[^1], Kernel, 1, precision, random);
        for (int level = config.Channels.Count - 1; level >= 0; level--)
        {
            foreach (ResidualUnit unit in ResidualUnit.Level(config.Blocks, config.Channels[level], precision, random))
                _layers.Add(unit);
            bool isLast = level == 0; // the samples themselves are not rounded to bf16
            _layers.Add(new TimeUpsampling(config.Channels[level], isLast ? channels : config.Channels[level - 1],
                config.Strides[level], isLast ? Precision.Fp32 : precision, random));
        }
        RegisterComponents();
    }

    /// <summary>[batch, frames, code dimension] → [batch, frames · frame length, channels], fp32.</summary>
    public override Tensor forward(Tensor input) =>
        _layers.Aggregate(_first.forward(input).to(ScalarType.Float32), (x, layer) =>
            layer.forward(layer is TimeUpsampling ? nn.functional.silu(x) : x));
}
