namespace Atelier.Formats;

/// <summary>The element types of safetensors files, named as in the format.</summary>
public enum SafetensorsType
{
    /// <summary>Boolean, one byte.</summary>
    Bool,

    /// <summary>8-bit unsigned integer.</summary>
    U8,

    /// <summary>8-bit signed integer.</summary>
    I8,

    /// <summary>16-bit signed integer.</summary>
    I16,

    /// <summary>16-bit unsigned integer.</summary>
    U16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>bfloat16.</summary>
    BF16,

    /// <summary>32-bit signed integer.</summary>
    I32,

    /// <summary>32-bit unsigned integer.</summary>
    U32,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>64-bit signed integer.</summary>
    I64,

    /// <summary>64-bit unsigned integer.</summary>
    U64,
}

/// <summary>The description of a tensor in a safetensors file.</summary>
/// <param name="Name">The name of the tensor.</param>
/// <param name="Type">The type of the elements.</param>
/// <param name="Shape">The dimensions; empty for a scalar.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsType Type, IReadOnlyList<long> Shape)
{
    /// <summary>The size in bytes: the product of the dimensions and the size of an element.</summary>
    /// <exception cref="OverflowException">The size does not fit into 64 bits.</exception>
    public long ByteCount => Shape.Aggregate(ElementSize, (product, dimension) => checked(product * dimension));

    private long ElementSize => Type switch
    {
        SafetensorsType.Bool or SafetensorsType.U8 or SafetensorsType.I8 => 1,
        SafetensorsType.I16 or SafetensorsType.U16 or SafetensorsType.F16 or SafetensorsType.BF16 => 2,
        SafetensorsType.I32 or SafetensorsType.U32 or SafetensorsType.F32 => 4,
        _ => 8,
    };
}
