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
    /// <param name="dropout">The share of activations dropped in training.</param>
    public FeedForward(int hiddenSize, int size, ActivationName activation, bool bias, Precision precision,
        double deviation, double outputDeviation, Generator random, double dropout = 0)
        : base(nameof(FeedForward))
    {
        (Activation, DropoutRate) = (activation, dropout);
        int inner = activation.IsGated() ? 2 * size : size;
        Input = new Linear(hiddenSize, inner, bias, precision, deviation, random);
        Output = new Linear(size, hiddenSize, bias, precision, outputDeviation, random);
        register_module("input", Input);
        register_module("output", Output);
    }

    /// <summary>The activation.</summary>
    public ActivationName Activation { get; }

    /// <summary>The share of activations dropped in training.</summary>
    public double DropoutRate { get; }

    /// <summary>
    /// The first linear layer; for gated activations, the rows of the gate, then those that it multiplies.
    /// </summary>
    public Linear Input { get; }

    /// <summary>The second linear layer.</summary>
    public Linear Output { get; }

    /// <summary>[batch, time, hidden] → the same.</summary>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("feed-forward", ref input);
        Tensor activated = Activate(Activation, Input.forward(input));
        return timed.End(Output.forward(Dropout.Apply(activated, training ? DropoutRate : 0)));
    }

    Tensor ISequenceLayer.Forward(Tensor x, AttentionContext? context) => forward(x);

    /// <summary>Applies an activation; a gated one to the first half, which multiplies the second.</summary>
    internal static Tensor Activate(ActivationName activation, Tensor inner)
    {
        TimedOperation timed = TimedOperation.Begin("activation", ref inner);
        return timed.End(activation switch
        {
            ActivationName.Gelu => F.gelu(inner),
            ActivationName.GeluTanh => F.gelu(inner, TorchSharp.Modules.GELU.Approximate.tanh),
            ActivationName.Relu => F.relu(inner),
            ActivationName.Silu => F.silu(inner),
            ActivationName.SwiGlu => Gate(inner, gate => F.silu(gate)),
            ActivationName.GeGlu => Gate(inner, gate => F.gelu(gate, TorchSharp.Modules.GELU.Approximate.tanh)),
            _ => throw new InvalidEnumArgumentException(nameof(activation), (int)activation, typeof(ActivationName)),
        });
    }

    private static Tensor Gate(Tensor inner, Func<Tensor, Tensor> activate)
    {
        Tensor[] halves = inner.chunk(2, -1);
        return activate(halves[0]) * halves[1];
    }
}
