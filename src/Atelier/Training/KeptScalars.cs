using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

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
    public static Tensor Times(this Tensor tensor, double factor)
    {
        Scalar kept = factor;
        Tensor product = tensor.mul(kept);
        GC.KeepAlive(kept);
        return product;
    }

    /// <summary>tensor + number, of each element.</summary>
    public static Tensor PlusNumber(this Tensor tensor, double number)
    {
        Scalar kept = number;
        Tensor sum = tensor.add(kept, One);
        GC.KeepAlive(kept);
        return sum;
    }

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
}
