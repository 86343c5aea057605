using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>The three products of a head W, [vocabulary, width], for parts of the states, in bf16.</summary>
internal interface IHeadProducts : IDisposable
{
    /// <summary>The sum of the gradients of W over all parts, in bf16 or fp32.</summary>
    Tensor WeightGradient { get; }

    /// <summary>x Wᵀ + b, [rows, vocabulary]; or wider, with zeros past the vocabulary.</summary>
    /// <param name="states">x, [rows, width], bf16.</param>
    Tensor Logits(Tensor states);

    /// <summary>Computes the gradient of the states, and adds to that of W.</summary>
    /// <param name="gradient">The gradient of the logits, in their memory.</param>
    /// <param name="states">The states of <see cref="Logits"/>.</param>
    /// <param name="stateGradient">Receives the gradient of the states.</param>
    void Back(Tensor gradient, Tensor states, Tensor stateGradient);
}
