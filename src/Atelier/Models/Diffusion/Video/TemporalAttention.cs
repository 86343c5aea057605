using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Utils;
using static TorchSharp.torch;
using GroupNorm = Atelier.Layers.GroupNorm;

namespace Atelier.Models.Diffusion.Video;

/// <summary>
/// Attention over time at each place of a video: x + attention(norm(x) + positions). Together with layers that see one
/// frame at a time, it makes a factorised space-time network (Ho et al. 2022, "Video Diffusion Models", section 3). It
/// is the identity at first.
/// </summary>
internal sealed class TemporalAttention : nn.Module
{
    private readonly int _frames;
    private readonly GroupNorm _norm;
    private readonly MultiHeadAttention _attention;
    [ComponentName(Name = "positions")]
    private readonly Tensor _positions; // [frames, channels]

    public TemporalAttention(int channels, int headCount, int frames, AttentionProduct product, Precision precision,
        Generator random)
        : base(nameof(TemporalAttention))
    {
        _frames = frames;
        _norm = new GroupNorm(ResidualConvolution.Groups, channels);
        _attention = new MultiHeadAttention(new AttentionShape(channels, headCount, headCount, channels / headCount,
            Bias: true, Dropout: 0), rotary: null, product, precision, 1 / Math.Sqrt(channels), outputDeviation: 0,
            random);
        _positions = SinusoidalPositions.Table(frames, channels);
        register_buffer("positions", _positions, persistent: false);
        RegisterComponents();
    }

    /// <summary>Computes the layer.</summary>
    /// <param name="x">[batch · frames, channels, height, width].</param>
    /// <returns>The shape and type of x.</returns>
    public Tensor Forward(Tensor x)
    {
        long channels = x.shape[1], height = x.shape[2], width = x.shape[3], places = height * width;
        long batch = x.shape[0] / _frames;
        // [batch · places, frames, channels]
        Tensor tokens = _norm.forward(x).reshape(batch, _frames, channels, places).permute(0, 3, 1, 2)
            .reshape(batch * places, _frames, channels).Plus(_positions.to(x.dtype));
        Tensor mixed = _attention.ForwardFused(tokens).view(batch, places, _frames, channels).permute(0, 2, 3, 1)
            .reshape(x.shape[0], channels, height, width);
        return x.Plus(mixed.to(x.dtype));
    }
}
