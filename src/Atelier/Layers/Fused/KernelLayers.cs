using Atelier.Kernels;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// Fused layers as a single operator of automatic differentiation, so that its overhead occurs once for all of them.
/// </summary>
internal sealed class KernelLayers : autograd.SingleTensorFunction<KernelLayers>
{
    private const string Layers = "layers", Kept = "kept";

    /// <inheritdoc/>
    public override string Name => nameof(KernelLayers);

    /// <summary>
    /// Whether fused layers can be used here: bf16 on a CPU with the instructions, one thread for each copy of the
    /// model, since they run on the calling thread, and a plan that does not exclude them.
    /// </summary>
    /// <param name="x">What would go in.</param>
    /// <param name="precision">The precision of products.</param>
    public static bool Serve(Tensor x, Precision precision) =>
        precision == Precision.Bf16 && Bf16.IsSupported && x.device_type == DeviceType.CPU && get_num_threads() == 1
            && LayerDispatch.WritesOut();

    /// <summary>What the layers make of x, one after another.</summary>
    /// <param name="x">[..., width], fp32.</param>
    /// <param name="layers">The first comes first.</param>
    public static Tensor Run(Tensor x, IReadOnlyList<IKernelLayer> layers)
    {
        if (!is_grad_enabled())
            return layers.Aggregate(x, (y, layer) => layer.Forward(y, null));
        // libtorch goes back only to what needs gradients, and the layers' parameters are not among the arguments.
        return apply(x.requires_grad ? x : x.detach().requires_grad_(true), layers);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var layers = (IReadOnlyList<IKernelLayer>)vars[1];
        var kept = new Stack<Tensor>();
        ctx.save_data(Layers, layers);
        ctx.save_data(Kept, kept);
        return layers.Aggregate(((Tensor)vars[0]).alias(), (y, layer) => layer.Forward(y, kept));
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var layers = (IReadOnlyList<IKernelLayer>)ctx.get_data(Layers);
        var kept = (Stack<Tensor>)ctx.get_data(Kept);
        Tensor gradient = grad_output.contiguous();
        foreach (IKernelLayer layer in layers.Reverse())
        {
            using Tensor past = gradient; // gone as soon as the layer below has its own
            gradient = layer.Backward(past, kept);
        }
        return [gradient, null!];
    }
}
