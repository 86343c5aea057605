using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Tensor operations with numbers that are kept alive during the native call. TorchSharp 0.107 passes libtorch the bare
/// handle of a temporary <see cref="Scalar"/> (left + right has one too: the factor 1) and keeps no reference to that
/// object. If the garbage collector runs at that moment, the finalizer frees the number while libtorch uses it, and the
/// process crashes occasionally. Use these methods instead of the operators with scalars.
/// </summary>
internal static class KeptScalars
{
    /// <summary>The number 1.</summary>
    public static readonly Scalar One = 1;

    /// <summary>left + right.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, One);

    /// <summary>left + first · second.</summary>
    public static Tensor PlusProduct(this Tensor left, Tensor first, Tensor second) => left.addcmul(first, second, One);

    /// <summary>
    /// tensor², elementwise. It is a product, because TorchSharp's power has such a temporary exponent.
    /// </summary>
    public static Tensor Squared(this Tensor tensor) => tensor.mul(tensor);

    /// <summary>tensor · factor.</summary>
    public static Tensor Times(this Tensor tensor, double factor) => Keep(factor, kept => tensor.mul(kept));

    /// <summary>tensor + number, elementwise.</summary>
    public static Tensor PlusNumber(this Tensor tensor, double number) => Keep(number, kept => tensor.add(kept, One));

    /// <summary>tensor / divisor.</summary>
    public static Tensor DividedBy(this Tensor tensor, double divisor) => Keep(divisor, kept => tensor.div(kept));

    /// <summary>Clamps each element to between two numbers.</summary>
    public static Tensor Clamped(this Tensor tensor, double low, double high) =>
        Keep(low, keptLow => Keep(high, keptHigh => tensor.clamp(keptLow, keptHigh)));

    /// <summary>Clamps each element to between two integers.</summary>
    public static Tensor Clamped(this Tensor tensor, long low, long high) =>
        Keep(low, keptLow => Keep(high, keptHigh => tensor.clamp(keptLow, keptHigh)));

    /// <summary>Φ(x), the standard normal distribution, of each element: (1 + erf(x / √2)) / 2.</summary>
    public static Tensor NormalCumulative(this Tensor tensor) =>
        tensor.Times(Math.Sqrt(0.5)).erf().Times(0.5).PlusNumber(0.5);

    /// <summary>Where elements are a number.</summary>
    public static Tensor EqualTo(this Tensor tensor, long number) => Keep(number, kept => tensor.eq(kept));

    /// <summary>A boolean tensor: whether each element is less than a number.</summary>
    public static Tensor Below(this Tensor tensor, double number) => Keep(number, kept => tensor.lt(kept));

    /// <summary>A boolean tensor: whether each element is at least a number.</summary>
    public static Tensor AtLeast(this Tensor tensor, double number) => Keep(number, kept => tensor.ge(kept));

    /// <summary>A copy in which the elements where the mask is true are replaced by an integer.</summary>
    public static Tensor FilledWhere(this Tensor tensor, Tensor mask, long number) =>
        Keep(number, kept => tensor.masked_fill(mask, kept));

    /// <summary>A copy in which the elements where the mask is true are replaced by a number.</summary>
    public static Tensor FilledWhere(this Tensor tensor, Tensor mask, double number) =>
        Keep(number, kept => tensor.masked_fill(mask, kept));

    /// <summary>Sets every element of a tensor to a number, in place.</summary>
    public static void FillWith(this Tensor tensor, double number) => Keep(number, kept => tensor.fill_(kept));

    /// <summary>Creates a tensor whose elements all equal one number.</summary>
    public static Tensor Full(long[] shape, double number, ScalarType type, Device? device = null) =>
        Keep(number, kept => full(shape, kept, type, device));

    /// <summary>Creates the tensor 0, 1, … count − 1.</summary>
    public static Tensor Range(long count, ScalarType type, Device? device = null) =>
        Keep(count, kept => arange(kept, type, device));

    /// <summary>Calls a TorchScript function, and keeps numbers among its arguments alive during the call.</summary>
    /// <param name="unit">The compiled script.</param>
    /// <param name="name">The name of the function.</param>
    /// <param name="arguments">The arguments: tensors, arrays of tensors, and numbers.</param>
    public static object Run(this jit.CompilationUnit unit, string name, params object[] arguments)
    {
        object[] kept = [.. arguments.Select(argument => argument switch
        {
            double number => (Scalar)number,
            long number => (Scalar)number,
            _ => argument,
        })];
        object result = unit.invoke(name, kept);
        GC.KeepAlive(kept);
        return result;
    }

    /// <summary>Returns the value of a tensor of one element. It waits for the device.</summary>
    public static double Number(this Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return MemoryMarshal.Read<double>(tensor.detach().to(ScalarType.Float64).cpu().bytes);
    }

    /// <summary>Calls a function with a number, and keeps the number alive until the call has returned.</summary>
    private static Tensor Keep(Scalar number, Func<Scalar, Tensor> call)
    {
        Tensor result = call(number);
        GC.KeepAlive(number);
        return result;
    }
}
