using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Arithmetic with numbers that outlive the native call. TorchSharp 0.107 hands libtorch the bare handle of a temporary
/// <see cref="Scalar"/> (left + right has one: the sum's factor 1), and nothing keeps that object: where the garbage
/// collector runs at that moment, its finalizer frees the number under libtorch's hands and the process fails, now
/// and then. Hot paths use these instead of the operators with scalars.
/// </summary>
internal static class KeptScalars
{
    /// <summary>1.</summary>
    public static readonly Scalar One = 1;

    /// <summary>left + right.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, One);

    /// <summary>left + first · second.</summary>
    public static Tensor PlusProduct(this Tensor left, Tensor first, Tensor second) => left.addcmul(first, second, One);

    /// <summary>tensor², element by element: the library's own takes its exponent from such a temporary.</summary>
    public static Tensor Squared(this Tensor tensor) => tensor.mul(tensor);

    /// <summary>tensor · factor.</summary>
    public static Tensor Times(this Tensor tensor, double factor) => Keep(factor, kept => tensor.mul(kept));

    /// <summary>tensor + number, of each element.</summary>
    public static Tensor PlusNumber(this Tensor tensor, double number) => Keep(number, kept => tensor.add(kept, One));

    /// <summary>tensor / divisor.</summary>
    public static Tensor DividedBy(this Tensor tensor, double divisor) => Keep(divisor, kept => tensor.div(kept));

    /// <summary>tensor with each element between two numbers.</summary>
    public static Tensor Clamped(this Tensor tensor, double low, double high) =>
        Keep(low, keptLow => Keep(high, keptHigh => tensor.clamp(keptLow, keptHigh)));

    /// <summary>tensor with each element between two whole numbers.</summary>
    public static Tensor Clamped(this Tensor tensor, long low, long high) =>
        Keep(low, keptLow => Keep(high, keptHigh => tensor.clamp(keptLow, keptHigh)));

    /// <summary>Φ(x), the standard normal distribution, of each element: (1 + erf(x / √2)) / 2.</summary>
    public static Tensor NormalCumulative(this Tensor tensor) =>
        tensor.Times(Math.Sqrt(0.5)).erf().Times(0.5).PlusNumber(0.5);

    /// <summary>Where elements are a number.</summary>
    public static Tensor EqualTo(this Tensor tensor, long number) => Keep(number, kept => tensor.eq(kept));

    /// <summary>Where elements are less than a number.</summary>
    public static Tensor Below(this Tensor tensor, double number) => Keep(number, kept => tensor.lt(kept));

    /// <summary>Where elements are a number or more.</summary>
    public static Tensor AtLeast(this Tensor tensor, double number) => Keep(number, kept => tensor.ge(kept));

    /// <summary>tensor with a number wherever the mask is true.</summary>
    public static Tensor FilledWhere(this Tensor tensor, Tensor mask, long number) =>
        Keep(number, kept => tensor.masked_fill(mask, kept));

    /// <summary>tensor with a number wherever the mask is true.</summary>
    public static Tensor FilledWhere(this Tensor tensor, Tensor mask, double number) =>
        Keep(number, kept => tensor.masked_fill(mask, kept));

    /// <summary>Sets every element of a tensor, in place.</summary>
    public static void FillWith(this Tensor tensor, double number) => Keep(number, kept => tensor.fill_(kept));

    /// <summary>A tensor whose elements are all one number.</summary>
    public static Tensor Full(long[] shape, double number, ScalarType type, Device? device = null) =>
        Keep(number, kept => full(shape, kept, type, device));

    /// <summary>0, 1, … count − 1.</summary>
    public static Tensor Range(long count, ScalarType type, Device? device = null) =>
        Keep(count, kept => arange(kept, type, device));

    /// <summary>Runs a function of TorchScript; numbers among the arguments live as long as the call.</summary>
    /// <param name="unit">The compiled script.</param>
    /// <param name="name">The function.</param>
    /// <param name="arguments">Tensors, arrays of tensors, and numbers.</param>
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

    /// <summary>The number in a tensor of one element, read from its memory; waits for the device.</summary>
    public static double Number(this Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return MemoryMarshal.Read<double>(tensor.detach().to(ScalarType.Float64).cpu().bytes);
    }

    /// <summary>The result of a call that takes a number, which lives until the call has returned.</summary>
    private static Tensor Keep(Scalar number, Func<Scalar, Tensor> call)
    {
        Tensor result = call(number);
        GC.KeepAlive(number);
        return result;
    }
}
