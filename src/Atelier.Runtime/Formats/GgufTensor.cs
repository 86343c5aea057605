using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>The description of a tensor in a GGUF file.</summary>
/// <param name="Name">The name of the tensor.</param>
/// <param name="Type">The type of the elements.</param>
/// <param name="Shape">The dimensions, rows first (the file stores them in reverse order).</param>
public sealed record GgufTensor(string Name, WeightType Type, IReadOnlyList<long> Shape)
{
    // The supported types with their numbers in the format (ggml_type). The format has no number for the last two: ours
    // are far from those that it may still give out.
    private static readonly (uint Number, WeightType Type)[] Numbers =
    [
        (0, WeightType.F32), (1, WeightType.F16), (2, WeightType.Q4_0), (3, WeightType.Q4_1), (6, WeightType.Q5_0),
        (7, WeightType.Q5_1), (8, WeightType.Q8_0), (10, WeightType.Q2_K), (11, WeightType.Q3_K), (12, WeightType.Q4_K),
        (13, WeightType.Q5_K), (14, WeightType.Q6_K), (20, WeightType.IQ4_NL), (23, WeightType.IQ4_XS),
        (30, WeightType.BF16),
        (0x4174_0003, WeightType.Q3), (0x4174_0002, WeightType.Q2),
    ];

    /// <summary>Number of elements.</summary>
    /// <exception cref="OverflowException">The number does not fit into 64 bits.</exception>
    public long ElementCount => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>The size of the data in bytes.</summary>
    /// <exception cref="OverflowException">The size does not fit into 64 bits.</exception>
    public long ByteCount => Type.RowBytes(checked(ElementCount * sizeof(float)) / sizeof(float)); // checks overflow

    /// <summary>The number of the type in the format.</summary>
    internal uint TypeNumber => Numbers.Single(n => n.Type == Type).Number;

    /// <summary>Returns the type with a number in the format, or null if it is not supported.</summary>
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
