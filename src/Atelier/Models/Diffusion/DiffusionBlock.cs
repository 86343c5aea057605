using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tensors;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Diffusion;

/// <summary>
/// A block of a diffusion transformer: attention between all positions, then a feed-forward layer. The condition scales
/// and shifts the input of both layers, and gates their outputs. The gates are zero at first, so a new block is the
/// identity (adaLN-Zero; Peebles and Xie 2023, section 3.2 and figure 3).
/// </summary>
internal sealed class DiffusionBlock : nn.Module
{
    private const int Parts = 6; // shift, scale and gate of attention, then of the feed-forward layer
    [ComponentName(Name = "_told")] // as bundles name it
    private readonly Linear _modulation;
    private readonly MultiHeadAttention _attention;
    private readonly FeedForward _feedForward;

    public DiffusionBlock(int hiddenSize, int headCount, AttentionProduct product, Precision precision,
        Generator random)
        : base(nameof(DiffusionBlock))
    {
        double deviation = 1 / Math.Sqrt(hiddenSize);
        _modulation = new Linear(hiddenSize, Parts * hiddenSize, bias: true, Precision.Fp32, deviation: 0, random);
        _attention = new MultiHeadAttention(new AttentionShape(hiddenSize, headCount, headCount, hiddenSize / headCount,
            Bias: true, Dropout: 0), rotary: null, product, precision, deviation, deviation, random);
        _feedForward = new FeedForward(hiddenSize, 4 * hiddenSize, ActivationName.Gelu, bias: true, precision,
            deviation, deviation / 2, random);
        RegisterComponents();
    }

    /// <summary>Computes the block.</summary>
    /// <param name="x">[batch, positions, hidden], fp32.</param>
    /// <param name="condition">The embedding of time and class, [batch, hidden], fp32.</param>
    /// <returns>[batch, positions, hidden], fp32.</returns>
    public Tensor Forward(Tensor x, Tensor condition)
    {
        Tensor[] parts = _modulation.forward(condition).unsqueeze(1).chunk(Parts, -1); // each [batch, 1, hidden]
        x = x.Plus(_attention.Forward(AdaptiveNorm.Apply(x, parts[0], parts[1])).mul(parts[2]));
        return x.Plus(_feedForward.forward(AdaptiveNorm.Apply(x, parts[3], parts[4])).mul(parts[5]));
    }
}
