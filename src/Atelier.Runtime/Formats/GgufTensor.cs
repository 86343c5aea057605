namespace Atelier.Formats;

/// <summary>Element types of GGUF tensors that are read and written, by their numbers in the format.</summary>
public enum GgufTensorType : uint
{
    /// <summary>IEEE single precision.</summary>
    F32 = 0,

    /// <summary>IEEE half precision.</summary>
    F16 = 1,

    /// <summary>Blocks of 32 elements of 4 bits with a half-precision scale: 18 bytes.</summary>
    Q4_0 = 2,

    /// <summary>Blocks of 32 elements of 8 bits with a half-precision scale: 34 bytes.</summary>
    Q8_0 = 8,

    /// <summary>bfloat16.</summary>
    BF16 = 30,
}

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its dimensions, rows first (the file has them in the other order).</param>
public sealed record GgufTensor(string Name, GgufTensorType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Its elements.</summary>
    /// <exception cref="OverflowException">The product does not fit 64 bits.</exception>
    public long ElementCount => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>Its bytes.</summary>
    /// <exception cref="OverflowException">The product does not fit 64 bits.</exception>
    public long ByteCount => Type switch
    {
        GgufTensorType.F32 => checked(ElementCount * 4),
        GgufTensorType.Q8_0 => checked(ElementCount / 32 * 34),
        GgufTensorType.Q4_0 => checked(ElementCount / 32 * 18),
        _ => checked(ElementCount * 2),
    };
}
