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
public sealed class FeedForward : nn.Module<Tensor, Tensor>, ISequenceLayer
{
    /// <summary>Creates the layer with new weights.</summary>
    /// <param name="hiddenSize">The width of input and output.</param>
    /// <param name="size">The width between the two linear layers.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="bias">Whether the products have biases.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="deviation">The standard deviation of the first layer's initial weights.</param>
    /// <param name="outputDeviation">The standard deviation of the second layer's initial weights.</param>
    /// <param name="random">Draws the weights.</param>
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

    /// <summary>The activation.</summary>
    public ActivationName Activation { get; }

    /// <summary>The first linear layer; for SwiGLU, the rows of the gate, then those that it multiplies.</summary>
    public Linear Input { get; }

    /// <summary>The second linear layer.</summary>
    public Linear Output { get; }

    /// <summary>[batch, time, hidden] → the same.</summary>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("feed-forward", ref input);
        return timed.End(Output.forward(Activate(Input.forward(input))));
    }

    Tensor ISequenceLayer.Forward(Tensor x, AttentionContext? context) => forward(x);

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
