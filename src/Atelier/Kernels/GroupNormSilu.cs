using System.Buffers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Kernels;

/// <summary>
/// Group normalisation, a scale and a shift a channel, and SiLU in one pass over the pictures, with their gradients, on
/// a CPU.
/// </summary>
internal sealed unsafe class GroupNormSilu : autograd.SingleTensorFunction<GroupNormSilu>
{
    private const string Groups = "groups", Epsilon = "epsilon";

    /// <inheritdoc/>
    public override string Name => nameof(GroupNormSilu);

    /// <summary>Whether pictures are better taken here than by one operation after the other.</summary>
    public static bool Serves(Tensor x) =>
        Bf16.IsSupported && x.device_type == DeviceType.CPU && x.dtype is ScalarType.Float32 or ScalarType.BFloat16
        && x.shape[2] * x.shape[3] >= GroupNormKernel.LeastPlaces;

    /// <summary>silu(a x̂ + b).</summary>
    /// <param name="x">[batch, channels, height, width], fp32 or bf16.</param>
    /// <param name="a">[batch, channels], or [1, channels] for all pictures, fp32.</param>
    /// <param name="b">As a.</param>
    /// <param name="groups">Of channels.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>As x.</returns>
    public static Tensor Apply(Tensor x, Tensor a, Tensor b, long groups, double epsilon) =>
        is_grad_enabled() ? apply(x, a, b, groups, epsilon) : Forward(x, a, b, groups, epsilon);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (var x, var a, var b, long groups, double epsilon) =
            ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (long)vars[3], (double)vars[4]);
        ctx.save_for_backward([x, a, b]);
        ctx.save_data(Groups, groups);
        ctx.save_data(Epsilon, epsilon);
        return Forward(x, a, b, groups, epsilon);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor x, Tensor a, Tensor b) = (saved[0].contiguous(), saved[1].contiguous(), saved[2].contiguous());
        Tensor gradient = grad_output.contiguous(), dx = empty_like(x), da = zeros_like(a), db = zeros_like(b);
        long groups = (long)ctx.get_data(Groups);
        double epsilon = (double)ctx.get_data(Epsilon);
        if (x.dtype == ScalarType.BFloat16)
            Backward<ushort>(x, gradient, a, b, dx, da, db, groups, epsilon);
        else
            Backward<float>(x, gradient, a, b, dx, da, db, groups, epsilon);
        return [dx.MoveToOuterDisposeScope(), da.MoveToOuterDisposeScope(), db.MoveToOuterDisposeScope(), null!, null!];
    }

    private static Tensor Forward(Tensor x, Tensor a, Tensor b, long groups, double epsilon)
    {
        using var scope = NewDisposeScope();
        (x, a, b) = (x.contiguous(), a.contiguous(), b.contiguous());
        Tensor y = empty_like(x);
        if (x.dtype == ScalarType.BFloat16)
            Forward<ushort>(x, a, b, y, groups, epsilon);
        else
            Forward<float>(x, a, b, y, groups, epsilon);
        return y.MoveToOuterDisposeScope();
    }

    private static void Forward<T>(Tensor x, Tensor a, Tensor b, Tensor y, long groups, double epsilon)
        where T : unmanaged
    {
        var group = ChannelGroup.Of(x.shape, groups, epsilon);
        T* from = x.Pointer<T>(), to = y.Pointer<T>();
        float* slopes = a.Pointer<float>(), offsets = b.Pointer<float>();
        // each look at a shape is a call to the library
        (long count, bool alike) = (x.shape[0] * groups, a.shape[0] == 1);
        for (long number = 0; number < count; number++)
        {
            long channel = (alike ? number % groups : number) * group.Channels, at = number * group.Size;
            GroupNormKernel.Forward(from + at, to + at, slopes + channel, offsets + channel, group);
        }
    }

    private static void Backward<T>(Tensor x, Tensor gradient, Tensor a, Tensor b, Tensor dx, Tensor da, Tensor db,
        long groups, double epsilon)
        where T : unmanaged
    {
        var group = ChannelGroup.Of(x.shape, groups, epsilon);
        T* from = x.Pointer<T>(), down = gradient.Pointer<T>(), to = dx.Pointer<T>();
        float* slopes = a.Pointer<float>(), offsets = b.Pointer<float>(), ofA = da.Pointer<float>(),
            ofB = db.Pointer<float>();
        float[] scratch = ArrayPool<float>.Shared.Rent(group.Size);
        // each look at a shape is a call to the library
        (long count, bool alike) = (x.shape[0] * groups, a.shape[0] == 1);
        fixed (float* room = scratch)
        {
            for (long number = 0; number < count; number++)
            {
                long channel = (alike ? number % groups : number) * group.Channels, at = number * group.Size;
                GroupNormKernel.Backward(from + at, down + at, slopes + channel, offsets + channel, group, to + at,
                    ofA + channel, ofB + channel, room);
            }
        }
        ArrayPool<float>.Shared.Return(scratch);
    }
}
