using System.ComponentModel;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>
/// Two linear layers with an activation between them, applied to each position separately (Vaswani et al. 2017, eq. 2).
/// </summary>
public sealed class FeedForward : nn.Module<Tensor, Tensor>
{
    /// <summary>Makes the layer.</summary>
    /// <param name="hiddenSize">The width of what comes in and goes out.</param>
    /// <param name="size">The width between.</param>
    /// <param name="activation">What stands between.</param>
    /// <param name="bias">Whether the products have biases.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="deviation">The standard deviation of the first weights.</param>
    /// <param name="outputDeviation">The same of the output product's.</param>
    /// <param name="random">Draws them.</param>
    public FeedForward(int hiddenSize, int size, ActivationName activation, bool bias, Precision precision,
        double deviation, double outputDeviation, Generator random)
        : base(nameof(FeedForward))
    {
        Activation = activation;
        int inner = activation == ActivationName.SwiGlu ? 2 * size : size;
        Input = new Linear(hiddenSize, inner, bias, precision, deviation, random);
        Output = new Linear(size, hiddenSize, bias, precision, outputDeviation, random);
        register_module("input", Input);
        register_module("output", Output);
    }

    /// <summary>What stands between the products.</summary>
    public ActivationName Activation { get; }

    /// <summary>The first product; for SwiGLU the gate's rows, then the rest's.</summary>
    public Linear Input { get; }

    /// <summary>The second product.</summary>
    public Linear Output { get; }

    /// <summary>[batch, time, hidden] → the same.</summary>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("feed-forward", ref input);
        return timed.End(Output.forward(Activate(Input.forward(input))));
    }

    private Tensor Activate(Tensor inner)
    {
        TimedOperation timed = TimedOperation.Begin("activation", ref inner);
        return timed.End(Activation switch
        {
            ActivationName.Gelu => F.gelu(inner),
            ActivationName.GeluTanh => F.gelu(inner, TorchSharp.Modules.GELU.Approximate.tanh),
            ActivationName.SwiGlu => Gate(inner),
            _ => throw new InvalidEnumArgumentException(nameof(Activation), (int)Activation, typeof(ActivationName)),
        });
    }

    private static Tensor Gate(Tensor inner)
    {
        Tensor[] halves = inner.chunk(2, -1);
        return F.silu(halves[0]) * halves[1];
    }
}
