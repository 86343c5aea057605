using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>
/// Group normalisation of images (Wu and He 2018, eq. 7): each group of channels of an image gets mean zero and
/// variance one; then each channel is scaled and shifted.
/// </summary>
public sealed class GroupNorm : nn.Module<Tensor, Tensor>
{
    private readonly long _groups;
    private readonly double _epsilon;

    /// <summary>Creates a norm with scale one and shift zero.</summary>
    /// <param name="groups">The number of groups; it divides the channels.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public GroupNorm(long groups, long channels, double epsilon = 1e-5)
        : base(nameof(GroupNorm))
    {
        (_groups, _epsilon) = (groups, epsilon);
        Weight = new Parameter(ones(channels));
        Bias = new Parameter(zeros(channels));
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    /// <summary>The scale, [channels].</summary>
    [field: ComponentName(Name = "weight")]
    public Parameter Weight { get; }

    /// <summary>The shift, [channels].</summary>
    [field: ComponentName(Name = "bias")]
    public Parameter Bias { get; }

    /// <summary>The normalised images.</summary>
    /// <param name="input">x, [batch, channels, height, width], fp32 or bf16; sums are computed in fp32.</param>
    /// <returns>The shape and type of x.</returns>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("group norm", ref input);
        return timed.End(F.group_norm(input, _groups, Weight.to(input.dtype), Bias.to(input.dtype), _epsilon));
    }

    /// <summary>silu(y (1 + scale) + shift), where y are the normalised images and silu(z) = z σ(z).</summary>
    /// <param name="input">x, [batch, channels, height, width], fp32 or bf16.</param>
    /// <param name="scale">A scale for each channel of each image, [batch, channels], fp32 (Dhariwal and Nichol 2021,
    /// section 3.1); null for 0.</param>
    /// <param name="shift">A shift for each channel of each image, [batch, channels], fp32; null for 0.</param>
    /// <returns>The shape and type of x.</returns>
    public Tensor Silu(Tensor input, Tensor? scale = null, Tensor? shift = null)
    {
        TimedOperation timed = TimedOperation.Begin("group norm and silu", ref input);
        // a x̂ + b, with a = w (1 + scale) and b' = b (1 + scale) + shift
        Tensor a = Weight.unsqueeze(0), b = Bias.unsqueeze(0);
        if (scale is not null)
            (a, b) = (a.PlusProduct(a, scale), b.PlusProduct(b, scale));
        if (shift is not null)
            b = b.Plus(shift);
        return timed.End(GroupNormSilu.Serves(input)
            ? GroupNormSilu.Apply(input, a, b, _groups, _epsilon)
            : F.silu(F.group_norm(input, _groups, null, null, _epsilon)
                .mul(a.to(input.dtype).unsqueeze(-1).unsqueeze(-1))
                .Plus(b.to(input.dtype).unsqueeze(-1).unsqueeze(-1))));
    }
}
