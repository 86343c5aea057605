using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its dimensions, rows first (the file has them in the other order).</param>
public sealed record GgufTensor(string Name, WeightType Type, IReadOnlyList<long> Shape)
{
    // The types that are read and written, by their numbers in the format (ggml_type).
    private static readonly (uint Number, WeightType Type)[] Numbers =
        [(0, WeightType.F32), (1, WeightType.F16), (2, WeightType.Q4_0), (8, WeightType.Q8_0), (30, WeightType.BF16)];

    /// <summary>Its elements.</summary>
    /// <exception cref="OverflowException">The product does not fit 64 bits.</exception>
    public long ElementCount => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>Its bytes.</summary>
    /// <exception cref="OverflowException">They do not fit 64 bits.</exception>
    public long ByteCount => Type.RowBytes(checked(ElementCount * sizeof(float)) / sizeof(float));

    /// <summary>The number of its type in the format.</summary>
    internal uint TypeNumber => Numbers.Single(n => n.Type == Type).Number;

    /// <summary>The type of a number, or null where it is not read.</summary>
    internal static WeightType? TypeOf(uint number)
    {
        foreach ((uint known, WeightType type) in Numbers)
        {
            if (known == number)
                return type;
        }
        return null;
    }
}
