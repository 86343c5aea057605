using System.Buffers.Binary;

namespace Atelier.Kernels;

/// <summary>
/// The blocks of llama.cpp's other quantised types, which are read only. Blocks of 32 elements have a scale, and some a
/// minimum. Blocks of 256 ("K") have a scale in half precision, and for each 16 or 32 elements a small whole number
/// that multiplies it. In memory, all become <see cref="WeightType.Q8_0"/>.
/// </summary>
internal static class FileBlocks
{
    private const int Small = WeightTypes.BlockSize, Large = WeightTypes.LargeBlockSize;

    // The values of a 4-bit code in IQ4_NL and IQ4_XS: llama.cpp, ggml-common.h, kvalues_iq4nl.
    private static ReadOnlySpan<sbyte> NonLinear =>
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

    /// <summary>Converts whole blocks to single precision, in the arithmetic of llama.cpp.</summary>
    public static void Decode(WeightType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        (int elements, int bytes) = Size(type);
        for (int block = 0; block < destination.Length / elements; block++)
            DecodeBlock(type, source.Slice(block * bytes, bytes), destination.Slice(block * elements, elements));
    }

    /// <summary>
    /// Converts whole blocks to Q8_0: with the same elements from Q5_0 and IQ4_NL, and rounded from the other types.
    /// </summary>
    public static void ToBytes(WeightType type, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        (int elements, int bytes) = Size(type);
        Span<float> values = stackalloc float[Large];
        int wide = (int)WeightType.Q8_0.RowBytes(elements);
        for (int i = 0; i < source.Length / bytes; i++)
        {
            ReadOnlySpan<byte> block = source.Slice(i * bytes, bytes);
            Span<byte> target = destination.Slice(i * wide, wide);
            if (type is WeightType.Q5_0 or WeightType.IQ4_NL)
            {
                block[..2].CopyTo(target);
                for (int e = 0; e < Small; e++)
                    target[2 + e] = (byte)Code(type, block, e);
                continue;
            }
            DecodeBlock(type, block, values[..elements]);
            WeightConversion.Encode(WeightType.Q8_0, values[..elements], target);
        }
    }

    private static void DecodeBlock(WeightType type, ReadOnlySpan<byte> block, Span<float> y)
    {
        switch (type)
        {
            case WeightType.Q5_0 or WeightType.IQ4_NL:
                float scale = Half(block);
                for (int i = 0; i < Small; i++)
                    y[i] = scale * Code(type, block, i);
                break;
            case WeightType.Q4_1 or WeightType.Q5_1:
                (scale, float least) = (Half(block), Half(block[2..]));
                ReadOnlySpan<byte> fifth = type == WeightType.Q5_1 ? block.Slice(4, 4) : default;
                for (int i = 0; i < Small; i++)
                    y[i] = (Code(block[(4 + fifth.Length)..], fifth, i) * scale) + least;
                break;
            case WeightType.IQ4_XS:
                DecodeNonLinear(block, y);
                break;
            case WeightType.Q2_K:
                DecodeTwoBits(block, y);
                break;
            case WeightType.Q3_K:
                DecodeThreeBits(block, y);
                break;
            case WeightType.Q6_K:
                DecodeSixBits(block, y);
                break;
            default:
                DecodeFourOrFiveBits(block, type == WeightType.Q5_K ? block.Slice(16, 32) : default, y);
                break;
        }
    }

    /// <summary>Returns the number that the scale of a block of Q5_0 or IQ4_NL multiplies.</summary>
    private static int Code(WeightType type, ReadOnlySpan<byte> block, int i) => type == WeightType.Q5_0
        ? Code(block[6..], block.Slice(2, 4), i) - 16
        : NonLinear[Code(block[2..], default, i)];

    /// <summary>
    /// Returns a code of 4 or 5 bits: the low four bits of the bytes are the elements 0 to 15, the high four bits the
    /// elements 16 to 31, and <paramref name="fifth"/> has a bit for each.
    /// </summary>
    private static int Code(ReadOnlySpan<byte> bits, ReadOnlySpan<byte> fifth, int i) =>
        (i < Small / 2 ? bits[i] & 15 : bits[i - (Small / 2)] >> 4)
        | (fifth.IsEmpty ? 0 : ((fifth[i / 8] >> (i % 8)) & 1) << 4);

    // d, upper two bits of 8 scales, lower four bits of 8 scales, codes
    private static void DecodeNonLinear(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Half(block);
        int upper = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (int group = 0; group < Large / Small; group++)
        {
            int lower = (block[4 + (group / 2)] >> (4 * (group % 2))) & 15;
            float scale = d * ((lower | (((upper >> (2 * group)) & 3) << 4)) - 32);
            for (int i = 0; i < Small; i++)
                y[(group * Small) + i] = scale * NonLinear[Code(block[(8 + (group * Small / 2))..], default, i)];
        }
    }

    // 16 scales and minimums of 4 bits each, codes, d, the minimums' scale
    private static void DecodeTwoBits(ReadOnlySpan<byte> block, Span<float> y)
    {
        (float d, float dMin) = (Half(block[80..]), Half(block[82..]));
        for (int i = 0; i < Large; i++)
        {
            byte scale = block[i / 16];
            y[i] = (d * (scale & 15) * Pair(block.Slice(16, 64), i)) - (dMin * (scale >> 4));
        }
    }

    // the third bit of each code (clear: 4 is subtracted), codes, 16 scales of 6 bits, d
    private static void DecodeThreeBits(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Half(block[108..]);
        ReadOnlySpan<byte> scales = block.Slice(96, 12);
        for (int i = 0; i < Large; i++)
        {
            int group = i / 16, third = (block[i % 32] >> (i / 32)) & 1;
            int scale = ((scales[group % 8] >> (4 * (group / 8))) & 15)
                | (((scales[8 + (group % 4)] >> (2 * (group / 4))) & 3) << 4);
            y[i] = d * (scale - 32) * (Pair(block.Slice(32, 64), i) - (third == 0 ? 4 : 0));
        }
    }

    // d, the minimums' scale, 8 scales and minimums of 6 bits each, the fifth bits (Q5_K only), codes
    private static void DecodeFourOrFiveBits(ReadOnlySpan<byte> block, ReadOnlySpan<byte> fifth, Span<float> y)
    {
        (float d, float dMin) = (Half(block), Half(block[2..]));
        ReadOnlySpan<byte> packed = block.Slice(4, 12), codes = block[(16 + fifth.Length)..];
        for (int group = 0; group < Large / Small; group++)
        {
            (int scale, int least) = group < 4
                ? (packed[group] & 63, packed[group + 4] & 63)
                : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4),
                    (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));
            (float multiplier, float minimum) = (d * scale, dMin * least);
            for (int i = 0; i < Small; i++)
            {
                int code = (codes[(group / 2 * Small) + i] >> (4 * (group % 2))) & 15;
                if (!fifth.IsEmpty)
                    code |= ((fifth[i] >> group) & 1) << 4;
                y[(group * Small) + i] = (multiplier * code) - minimum;
            }
        }
    }

    // lower four bits, upper two bits, 16 signed scales, d. Each half of 128 elements has four groups of 32.
    private static void DecodeSixBits(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = Half(block[208..]);
        for (int i = 0; i < Large; i++)
        {
            int half = i / 128, group = i % 128 / 32, at = i % 32;
            int lower = (block[(half * 64) + (group % 2 * 32) + at] >> (4 * (group / 2))) & 15;
            int upper = (block[128 + (half * 32) + at] >> (2 * group)) & 3;
            y[i] = d * (sbyte)block[192 + (i / 16)] * ((lower | (upper << 4)) - 32);
        }
    }

    /// <summary>Returns a code of 2 bits. Each half of 128 elements has 32 bytes with four codes each.</summary>
    private static int Pair(ReadOnlySpan<byte> bits, int i) =>
        (bits[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2)) & 3;

    private static float Half(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);
}
