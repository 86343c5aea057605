using Atelier.Kernels;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// Runs fused layers as a single operator of automatic differentiation, whose overhead then occurs once.
/// </summary>
internal sealed class KernelLayers : autograd.SingleTensorFunction<KernelLayers>
{
    private const string Layers = "layers", Kept = "kept", Context = "context";

    /// <inheritdoc/>
    public override string Name => nameof(KernelLayers);

    /// <summary>
    /// Whether fused layers can be used: in bf16 on a CPU that has the instructions, with one thread for each replica,
    /// since kernels run on the calling thread, and if the execution plan allows them.
    /// </summary>
    /// <param name="x">The input.</param>
    /// <param name="precision">The precision of products.</param>
    public static bool Serve(Tensor x, Precision precision) =>
        precision == Precision.Bf16 && Bf16.IsSupported && x.device_type == DeviceType.CPU && get_num_threads() == 1
            && LayerDispatch.FusesLayers();

    /// <summary>Whether fused layers can be used for a residual stream: fp32, of whole registers.</summary>
    /// <param name="x">The residual stream.</param>
    /// <param name="precision">The precision of products.</param>
    public static bool ServeStream(Tensor x, Precision precision) =>
        Serve(x, precision) && x.dtype == ScalarType.Float32 && x.shape[^1] % Bf16.Lanes == 0;

    /// <summary>Computes layers one after another.</summary>
    /// <param name="x">The input of the first layer, [..., width], fp32.</param>
    /// <param name="layers">The layers in order.</param>
    /// <param name="context">The other inputs of the layers, for this run only.</param>
    public static Tensor Run(Tensor x, IReadOnlyList<IKernelLayer> layers, KernelContext context)
    {
        if (!is_grad_enabled())
        {
            Tensor y = Compute(x, layers, context, null);
            context.SourceRows?.Dispose();
            return y;
        }
        // the backward pass runs only if an argument requires gradients, and parameters are not arguments
        return apply(x.requires_grad ? x : x.detach().requires_grad_(true), context.Source!, layers, context);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, layers, context) = ((Tensor)vars[0], (IReadOnlyList<IKernelLayer>)vars[2], (KernelContext)vars[3]);
        var kept = new Stack<Tensor>();
        ctx.save_data(Layers, layers);
        ctx.save_data(Kept, kept);
        ctx.save_data(Context, context);
        return Compute(x.alias(), layers, context, kept);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var layers = (IReadOnlyList<IKernelLayer>)ctx.get_data(Layers);
        var kept = (Stack<Tensor>)ctx.get_data(Kept);
        var context = (KernelContext)ctx.get_data(Context);
        using Tensor? rows = context.SourceRows;
        if (rows is not null)
            context.SourceGradient = zeros(rows.shape);
        Tensor gradient = grad_output.contiguous();
        foreach (IKernelLayer layer in layers.Reverse())
        {
            using Tensor above = gradient; // disposed as soon as the layer has its own
            gradient = layer.Backward(above, context, kept);
        }
        Tensor? ofSource = context.SourceGradient?.view(context.SourceShape).to(context.SourceType);
        return [gradient, ofSource!, null!, null!];
    }

    private static Tensor Compute(Tensor x, IReadOnlyList<IKernelLayer> layers, KernelContext context,
        Stack<Tensor>? kept)
    {
        if (context.Source is { } source)
            context.SourceRows = source.detach().to(ScalarType.BFloat16).contiguous().view(-1, source.shape[^1])
                .DetachFromDisposeScope();
        return layers.Aggregate(x, (y, layer) => layer.Forward(y, context, kept));
    }
}
