using Atelier.Kernels;
using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers.Fused;

/// <summary>The products of a head by the tensor library.</summary>
/// <param name="weight">W, fp32.</param>
/// <param name="bias">b, fp32, or null.</param>
internal sealed unsafe class LibraryHeadProducts(Tensor weight, Tensor? bias) : IHeadProducts
{
    private readonly Tensor _weight = RoundedWeights.Of(weight);
    private readonly Tensor? _bias = bias?.to(ScalarType.BFloat16);
    private Tensor? _gradient; // bf16 of a single part, or the sum of several in fp32

    /// <inheritdoc/>
    public Tensor WeightGradient => _gradient!;

    /// <inheritdoc/>
    public Tensor Logits(Tensor states) => F.linear(states, _weight, _bias);

    /// <inheritdoc/>
    public void Back(Tensor gradient, Tensor states, Tensor stateGradient)
    {
        stateGradient.copy_(gradient.mm(_weight));
        Tensor own = gradient.t().mm(states); // [vocabulary, width]
        if (_gradient is null)
        {
            _gradient = own.MoveToOuterDisposeScope();
            return;
        }
        if (_gradient.dtype != ScalarType.Float32)
            _gradient = _gradient.to(ScalarType.Float32).MoveToOuterDisposeScope();
        Bf16.Add(_gradient.Pointer<float>(), own.Pointer<ushort>(), _gradient.Pointer<float>(), own.numel());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
