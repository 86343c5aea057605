using System.Buffers.Binary;

namespace Atelier.Kernels;

/// <summary>
/// The blocks of llama.cpp's quantised types with groups of 16 or 32 elements: element i of a group is its scale times
/// the code of i, minus the minimum of the group. Blocks of 32 elements are one group. Blocks of 256 ("K") have a scale
/// in half precision, and for each group a small whole number that multiplies it. This plain code defines them; the
/// kernels multiply them as they lie in a file.
/// </summary>
internal static class FileBlocks
{
    /// <summary>The largest number of groups of a block.</summary>
    public const int MostGroups = 16;

    private const int Small = WeightTypes.BlockSize, Large = WeightTypes.LargeBlockSize;

    /// <summary>
    /// The values of a 4-bit code in IQ4_NL and IQ4_XS: llama.cpp, ggml-common.h, kvalues_iq4nl.
    /// </summary>
    public static ReadOnlySpan<sbyte> NonLinear =>
        [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Returns whether a type is one of these.</summary>
    public static bool Has(WeightType type) => Size(type).Bytes > 0;

    /// <summary>Returns the number of elements and of bytes of a block; 0 bytes for other types.</summary>
    public static (int Elements, int Bytes) Size(WeightType type) => type switch
    {
        WeightType.Q4_1 => (Small, 20),
        WeightType.Q5_0 => (Small, 22),
        WeightType.Q5_1 => (Small, 24),
        WeightType.IQ4_NL => (Small, 18),
        WeightType.IQ4_XS => (Large, 136),
        WeightType.Q2_K => (Large, 84),
        WeightType.Q3_K => (Large, 110),
        WeightType.Q4_K => (Large, 144),
        WeightType.Q5_K => (Large, 176),
        WeightType.Q6_K => (Large, 210),
        _ => (Small, 0),
    };

    /// <summary>Returns the number of elements of a group.</summary>
    public static int GroupSize(WeightType type) =>
        type is WeightType.Q2_K or WeightType.Q3_K or WeightType.Q6_K ? Small / 2 : Small;

    /// <summary>Returns the offsets in a block of its scales in half precision; for all types of blocks.</summary>
    public static ReadOnlySpan<int> ScalePlaces(WeightType type) => type switch
    {
        WeightType.Q2_K => [80, 82],
        WeightType.Q3_K => [108],
        WeightType.Q6_K => [208],
        WeightType.Q4_1 or WeightType.Q5_1 or WeightType.Q4_K or WeightType.Q5_K => [0, 2],
        _ => [0],
    };

    /// <summary>Converts whole blocks to single precision, in the arithmetic of llama.cpp.</summary>
    public static void Decode(WeightType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        (int elements, int bytes) = Size(type);
        int groupSize = GroupSize(type);
        Span<sbyte> codes = stackalloc sbyte[Large];
        Span<float> scales = stackalloc float[MostGroups], minimums = stackalloc float[MostGroups];
        for (int block = 0; block < destination.Length / elements; block++)
        {
            Unpack(type, source.Slice(block * bytes, bytes), codes, scales, minimums);
            Span<float> y = destination.Slice(block * elements, elements);
            for (int i = 0; i < y.Length; i++)
                y[i] = (scales[i / groupSize] * codes[i]) - minimums[i / groupSize];
        }
    }

    /// <summary>
    /// Converts whole blocks to Q8_0: with the same elements from Q5_0 and IQ4_NL, and rounded from the other types.
    /// </summary>
    public static void ToBytes(WeightType type, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        (int elements, int bytes) = Size(type);
        Span<float> values = stackalloc float[Large], scales = stackalloc float[MostGroups],
            minimums = stackalloc float[MostGroups];
        Span<sbyte> codes = stackalloc sbyte[Small];
        int wide = (int)WeightType.Q8_0.RowBytes(elements);
        for (int i = 0; i < source.Length / bytes; i++)
        {
            ReadOnlySpan<byte> block = source.Slice(i * bytes, bytes);
            Span<byte> target = destination.Slice(i * wide, wide);
            if (type is WeightType.Q5_0 or WeightType.IQ4_NL)
            {
                Unpack(type, block, codes, scales, minimums);
                block[..2].CopyTo(target);
                System.Runtime.InteropServices.MemoryMarshal.AsBytes(codes).CopyTo(target[2..]);
                continue;
            }
            Decode(type, block, values[..elements]);
            WeightConversion.Encode(WeightType.Q8_0, values[..elements], target);
        }
    }

    /// <summary>Reads a block.</summary>
    /// <param name="type">The type of the block.</param>
    /// <param name="block">The bytes of the block.</param>
    /// <param name="codes">Filled with the codes of the elements.</param>
    /// <param name="scales">Filled with the scales of the groups.</param>
    /// <param name="minimums">Filled with the minimums of the groups, which are subtracted; 0 without.</param>
    public static void Unpack(WeightType type, ReadOnlySpan<byte> block, Span<sbyte> codes, Span<float> scales,
        Span<float> minimums)
    {
        minimums.Clear();
        switch (type)
        {
            case WeightType.Q4_1 or WeightType.Q5_1:
                (scales[0], minimums[0]) = (Half(block), -Half(block[2..]));
                ReadOnlySpan<byte> fifth = type == WeightType.Q5_1 ? block.Slice(4, 4) : default;
                for (int i = 0; i < Small; i++)
                    codes[i] = (sbyte)Code(block[(4 + fifth.Length)..], fifth, i);
                break;
            case WeightType.Q5_0:
                scales[0] = Half(block);
                for (int i = 0; i < Small; i++)
                    codes[i] = (sbyte)(Code(block[6..], block.Slice(2, 4), i) - 16);
                break;
            case WeightType.IQ4_NL:
                scales[0] = Half(block);
                for (int i = 0; i < Small; i++)
                    codes[i] = NonLinear[Code(block[2..], default, i)];
                break;
            case WeightType.IQ4_XS:
                UnpackNonLinear(block, codes, scales);
                break;
            case WeightType.Q2_K:
                UnpackTwoBits(block, codes, scales, minimums);
                break;
            case WeightType.Q3_K:
                UnpackThreeBits(block, codes, scales);
                break;
            case WeightType.Q6_K:
                UnpackSixBits(block, codes, scales);
                break;
            default:
                UnpackFourOrFiveBits(block, type == WeightType.Q5_K ? block.Slice(16, 32) : default, codes, scales,
                    minimums);
                break;
        }
    }

    /// <summary>
    /// Returns a code of 4 or 5 bits: the low four bits of the bytes are the elements 0 to 15, the high four bits the
    /// elements 16 to 31, and <paramref name="fifth"/> has a bit for each.
    /// </summary>
    private static int Code(ReadOnlySpan<byte> bits, ReadOnlySpan<byte> fifth, int i) =>
        (i < Small / 2 ? bits[i] & 15 : bits[i - (Small / 2)] >> 4)
        | (fifth.IsEmpty ? 0 : ((fifth[i / 8] >> (i % 8)) & 1) << 4);

    // d, upper two bits of 8 scales, lower four bits of 8 scales, codes
    private static void UnpackNonLinear(ReadOnlySpan<byte> block, Span<sbyte> codes, Span<float> scales)
    {
        float d = Half(block);
        int upper = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (int group = 0; group < Large / Small; group++)
        {
            int lower = (block[4 + (group / 2)] >> (4 * (group % 2))) & 15;
            scales[group] = d * ((lower | (((upper >> (2 * group)) & 3) << 4)) - 32);
            for (int i = 0; i < Small; i++)
                codes[(group * Small) + i] = NonLinear[Code(block[(8 + (group * Small / 2))..], default, i)];
        }
    }

    // 16 scales and minimums of 4 bits each, codes, d, the minimums' scale
    private static void UnpackTwoBits(ReadOnlySpan<byte> block, Span<sbyte> codes, Span<float> scales,
        Span<float> minimums)
    {
        (float d, float dMin) = (Half(block[80..]), Half(block[82..]));
        for (int group = 0; group < MostGroups; group++)
            (scales[group], minimums[group]) = (d * (block[group] & 15), dMin * (block[group] >> 4));
        for (int i = 0; i < Large; i++)
            codes[i] = (sbyte)Pair(block.Slice(16, 64), i);
    }

    // the third bit of each code (clear: 4 is subtracted), codes, 16 scales of 6 bits, d
    private static void UnpackThreeBits(ReadOnlySpan<byte> block, Span<sbyte> codes, Span<float> scales)
    {
        float d = Half(block[108..]);
        ReadOnlySpan<byte> packed = block.Slice(96, 12);
        for (int group = 0; group < MostGroups; group++)
        {
            int scale = ((packed[group % 8] >> (4 * (group / 8))) & 15)
                | (((packed[8 + (group % 4)] >> (2 * (group / 4))) & 3) << 4);
            scales[group] = d * (scale - 32);
        }
        for (int i = 0; i < Large; i++)
        {
            int third = (block[i % 32] >> (i / 32)) & 1;
            codes[i] = (sbyte)(Pair(block.Slice(32, 64), i) - (third == 0 ? 4 : 0));
        }
    }

    // d, the minimums' scale, 8 scales and minimums of 6 bits each, the fifth bits (Q5_K only), codes
    private static void UnpackFourOrFiveBits(ReadOnlySpan<byte> block, ReadOnlySpan<byte> fifth, Span<sbyte> codes,
        Span<float> scales, Span<float> minimums)
    {
        (float d, float dMin) = (Half(block), Half(block[2..]));
        ReadOnlySpan<byte> packed = block.Slice(4, 12), bits = block[(16 + fifth.Length)..];
        for (int group = 0; group < Large / Small; group++)
        {
            (int scale, int least) = group < 4
                ? (packed[group] & 63, packed[group + 4] & 63)
                : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4),
                    (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));
            (scales[group], minimums[group]) = (d * scale, dMin * least);
            for (int i = 0; i < Small; i++)
            {
                int code = (bits[(group / 2 * Small) + i] >> (4 * (group % 2))) & 15;
                if (!fifth.IsEmpty)
                    code |= ((fifth[i] >> group) & 1) << 4;
                codes[(group * Small) + i] = (sbyte)code;
            }
        }
    }

    // lower four bits, upper two bits, 16 signed scales, d. Each half of 128 elements has four groups of 32.
    private static void UnpackSixBits(ReadOnlySpan<byte> block, Span<sbyte> codes, Span<float> scales)
    {
        float d = Half(block[208..]);
        for (int group = 0; group < MostGroups; group++)
            scales[group] = d * (sbyte)block[192 + group];
        for (int i = 0; i < Large; i++)
        {
            int half = i / 128, group = i % 128 / 32, at = i % 32;
            int lower = (block[(half * 64) + (group % 2 * 32) + at] >> (4 * (group / 2))) & 15;
            int upper = (block[128 + (half * 32) + at] >> (2 * group)) & 3;
            codes[i] = (sbyte)((lower | (upper << 4)) - 32);
        }
    }

    /// <summary>Returns a code of 2 bits. Each half of 128 elements has 32 bytes with four codes each.</summary>
    private static int Pair(ReadOnlySpan<byte> bits, int i) =>
        (bits[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2)) & 3;

    private static float Half(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);
}
