using System.Buffers.Binary;

namespace Atelier.Kernels;

/// <summary>
/// The blocks of <see cref="WeightType.Q4_0"/>, <see cref="WeightType.Q3"/> and <see cref="WeightType.Q2"/>: a scale
/// in half precision, and for each of 32 elements a code, a small whole number that is multiplied with the scale. The
/// codes of 3 and 2 bits are also codes of 4 bits, so that blocks of 4 bits hold the same numbers.
/// </summary>
public static class BlockCodes
{
    private const int ScaleBytes = 2, Quarter = WeightTypes.BlockSize / 4, Half16 = WeightTypes.BlockSize / 2;

    /// <summary>Returns whether the blocks of a type have codes.</summary>
    public static bool Has(WeightType type) => type is WeightType.Q4_0 or WeightType.Q3 or WeightType.Q2;

    /// <summary>Returns the lowest and the highest code of a type.</summary>
    public static (int Lowest, int Highest) Range(WeightType type) => type switch
    {
        WeightType.Q2 => (-3, 3),
        WeightType.Q3 => (-4, 3),
        _ => (-8, 7),
    };

    /// <summary>Returns the code of a type that is nearest to an element divided by the scale.</summary>
    public static int Nearest(WeightType type, double value)
    {
        (int lowest, int highest) = Range(type);
        return type == WeightType.Q2
            ? (2 * (int)Math.Floor(Math.Clamp(value, lowest, highest - 1) / 2)) + 1 // the odd numbers
            : (int)Math.Round(Math.Clamp(value, lowest, highest));
    }

    /// <summary>Writes a block.</summary>
    /// <param name="type">The type of the block.</param>
    /// <param name="scale">The scale of its elements.</param>
    /// <param name="codes">The 32 elements divided by the scale, codes of the type.</param>
    /// <param name="block">Filled with the bytes of the block.</param>
    public static void Pack(WeightType type, Half scale, ReadOnlySpan<int> codes, Span<byte> block)
    {
        BinaryPrimitives.WriteHalfLittleEndian(block, scale);
        Span<byte> bits = block[ScaleBytes..];
        switch (type)
        {
            case WeightType.Q4_0:
                for (int i = 0; i < Half16; i++)
                    bits[i] = (byte)((codes[i] + 8) | ((codes[Half16 + i] + 8) << 4));
                break;
            case WeightType.Q3:
                PackPairs(codes, code => code + 4, bits);
                bits = bits[Quarter..];
                bits[..4].Clear();
                for (int i = 0; i < WeightTypes.BlockSize; i++)
                    bits[i / 8] |= (byte)(((codes[i] + 4) >> 2) << (i % 8));
                break;
            default:
                PackPairs(codes, code => (code + 3) / 2, bits);
                break;
        }
    }

    /// <summary>Reads a block.</summary>
    /// <param name="type">The type of the block.</param>
    /// <param name="block">The bytes of the block.</param>
    /// <param name="codes">Filled with the 32 codes.</param>
    /// <returns>The scale.</returns>
    public static Half Unpack(WeightType type, ReadOnlySpan<byte> block, Span<int> codes)
    {
        ReadOnlySpan<byte> bits = block[ScaleBytes..];
        for (int i = 0; i < WeightTypes.BlockSize; i++)
        {
            int pair = (bits[i % Quarter] >> (2 * (i / Quarter))) & 3;
            codes[i] = type switch
            {
                WeightType.Q4_0 => (i < Half16 ? bits[i] & 15 : bits[i - Half16] >> 4) - 8,
                WeightType.Q3 => (pair | (((bits[Quarter + (i / 8)] >> (i % 8)) & 1) << 2)) - 4,
                _ => (2 * pair) - 3,
            };
        }
        return BinaryPrimitives.ReadHalfLittleEndian(block);
    }

    /// <summary>Converts blocks to those of <see cref="WeightType.Q4_0"/> with the same elements.</summary>
    /// <param name="type">The type of the blocks, one with codes.</param>
    /// <param name="source">The bytes of whole blocks.</param>
    /// <param name="destination">Filled with the same number of blocks.</param>
    public static void Expand(WeightType type, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        int size = (int)type.RowBytes(WeightTypes.BlockSize);
        Span<int> codes = stackalloc int[WeightTypes.BlockSize];
        for (int i = 0; i < source.Length / size; i++)
        {
            Half scale = Unpack(type, source.Slice(i * size, size), codes);
            Pack(WeightType.Q4_0, scale, codes,
                destination.Slice(i * WeightTypes.Q4BlockBytes, WeightTypes.Q4BlockBytes));
        }
    }

    /// <summary>Writes the lower two bits of each code: byte i has those of elements i, i + 8, i + 16, …</summary>
    private static void PackPairs(ReadOnlySpan<int> codes, Func<int, int> unsigned, Span<byte> bits)
    {
        bits[..Quarter].Clear();
        for (int i = 0; i < WeightTypes.BlockSize; i++)
            bits[i % Quarter] |= (byte)((unsigned(codes[i]) & 3) << (2 * (i / Quarter)));
    }
}
