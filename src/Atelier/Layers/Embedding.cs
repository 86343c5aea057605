using Atelier.Tensors.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>A learned vector for each id, fp32.</summary>
public sealed class Embedding : nn.Module<Tensor, Tensor>
{
    /// <summary>Draws the vectors from a normal distribution with mean 0.</summary>
    /// <param name="count">The number of ids.</param>
    /// <param name="size">The width of a vector.</param>
    /// <param name="deviation">The standard deviation.</param>
    /// <param name="random">Draws the vectors.</param>
    public Embedding(long count, long size, double deviation, Generator random)
        : base(nameof(Embedding))
    {
        Weight = new Parameter(empty(count, size).normal_(0, deviation, random));
        register_parameter("weight", Weight);
    }

    /// <summary>The vectors, [count, size].</summary>
    [field: ComponentName(Name = "weight")]
    public Parameter Weight { get; }

    /// <summary>Ids, [...] → vectors, [..., size]; weights of all vectors, [..., count], fp32 → sums.</summary>
    public override Tensor forward(Tensor input)
    {
        if (input.dtype == ScalarType.Float32)
            return input.matmul(Weight);
        TimedOperation timed = TimedOperation.Begin("embedding");
        return timed.End(Weight.index_select(0, input.reshape(-1)).view([.. input.shape, Weight.shape[1]]));
    }
}
