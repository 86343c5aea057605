using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>The three products of a head W, [vocabulary, width], over parts of the states, in bf16.</summary>
internal interface IHeadProducts : IDisposable
{
    /// <summary>The sum of the gradients of W over the parts, in bf16 or fp32.</summary>
    Tensor WeightGradient { get; }

    /// <summary>x Wᵀ + b, [rows, vocabulary]; or wider, with zeros past the vocabulary.</summary>
    /// <param name="states">x, [rows, width], bf16.</param>
    Tensor Logits(Tensor states);

    /// <summary>Computes the gradient of the states, and adds to that of W.</summary>
    /// <param name="gradient">That of the logits, in their place.</param>
    /// <param name="states">As they went in.</param>
    /// <param name="stateGradient">Takes the first.</param>
    void Back(Tensor gradient, Tensor states, Tensor stateGradient);
}
