using Atelier.Kernels;
using Atelier.Kernels.Gemm;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// The products of a head by <see cref="Bf16Product"/>: rows of logits are of whole registers, and the gradient of W is
/// summed in fp32.
/// </summary>
internal sealed unsafe class TileHeadProducts : IHeadProducts
{
    private readonly PanelLease _panels;
    private readonly int _vocabulary, _width;
    private readonly Tensor? _bias; // of whole registers
    private bool _isFirst = true;

    /// <summary>Creates the products of a head.</summary>
    /// <param name="weight">W, fp32.</param>
    /// <param name="bias">b, fp32, or null.</param>
    public TileHeadProducts(Tensor weight, Tensor? bias)
    {
        (_vocabulary, _width) = ((int)weight.shape[0], (int)weight.shape[1]);
        _panels = RoundedWeights.PanelsOf(weight);
        WeightGradient = empty(_vocabulary, _width);
        if (bias is null)
            return;
        _bias = zeros(_panels.Forward.Columns);
        _bias.narrow(0, 0, _vocabulary).copy_(bias);
    }

    /// <inheritdoc/>
    public Tensor WeightGradient { get; }

    /// <summary>Whether a width can be used: on a single thread, since they run on the calling one.</summary>
    public static bool Serve(int width) =>
        width % Bf16.Lanes == 0 && get_num_threads() == 1 && LayerDispatch.UsesTiles();

    /// <inheritdoc/>
    public Tensor Logits(Tensor states)
    {
        (int rows, int columns) = ((int)states.shape[0], _panels.Forward.Columns);
        Tensor logits = empty([rows, columns], ScalarType.BFloat16);
        Bf16Product.Run(states.Pointer<ushort>(), _width, _panels.Forward, _bias.PointerOrNull<float>(),
            GemmOutput.Bf16, logits.Pointer<ushort>(), columns, rows);
        return logits;
    }

    /// <inheritdoc/>
    public void Back(Tensor gradient, Tensor states, Tensor stateGradient)
    {
        (int rows, int columns) = ((int)states.shape[0], _panels.Forward.Columns);
        Bf16Product.Run(gradient.Pointer<ushort>(), columns, _panels.Backward, null, GemmOutput.Bf16,
            stateGradient.Pointer<ushort>(), _width, rows);
        Bf16Product.RunTransposed(gradient.Pointer<ushort>(), columns, _vocabulary, states.Pointer<ushort>(), _width,
            _width, rows,
            _isFirst ? GemmOutput.Single : GemmOutput.Added, WeightGradient.Pointer<float>());
        _isFirst = false;
    }

    /// <inheritdoc/>
    public void Dispose() => _panels.Dispose();
}
