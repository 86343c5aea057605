using Atelier.Training.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Layers;

/// <summary>
/// Group normalisation (Wu and He 2018, eq. 7) over pictures: a picture's channels in groups, each to a mean of zero and a
/// variance of one, then scaled and shifted a channel.
/// </summary>
public sealed class GroupNorm : nn.Module<Tensor, Tensor>
{
    private readonly long _groups;
    private readonly double _epsilon;

    /// <summary>Makes a norm that scales by one and shifts by zero.</summary>
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

    /// <summary>The normalised pictures.</summary>
    /// <param name="input">x, [batch, channels, height, width], fp32 or bf16; the sums inside are fp32 whatever that is.</param>
    /// <returns>As x.</returns>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("group norm", ref input);
        return timed.End(F.group_norm(input, _groups, Weight.to(input.dtype), Bias.to(input.dtype), _epsilon));
    }
}
