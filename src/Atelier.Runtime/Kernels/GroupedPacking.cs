using System.Buffers.Binary;

namespace Atelier.Kernels;

/// <summary>Writes the blocks of <see cref="FileBlocks"/>, the reverse of <see cref="FileBlocks.Unpack"/>.</summary>
internal static class GroupedPacking
{
    private const int Small = WeightTypes.BlockSize, Large = WeightTypes.LargeBlockSize;

    /// <summary>Writes a block.</summary>
    /// <param name="type">The type of the block.</param>
    /// <param name="d">The scale.</param>
    /// <param name="dMin">The scale of the minimums, or minus the minimum of a block of one group.</param>
    /// <param name="scales">The multiples of the scale, by group.</param>
    /// <param name="minimums">The multiples of the minimums' scale, by group.</param>
    /// <param name="codes">The codes of the elements, from 0.</param>
    /// <param name="block">The bytes of the block, which are 0 before.</param>
    public static void Pack(WeightType type, Half d, Half dMin, ReadOnlySpan<int> scales, ReadOnlySpan<int> minimums,
        ReadOnlySpan<int> codes, Span<byte> block)
    {
        ReadOnlySpan<int> places = FileBlocks.ScalePlaces(type);
        BinaryPrimitives.WriteHalfLittleEndian(block[places[0]..], d);
        if (places.Length > 1)
            BinaryPrimitives.WriteHalfLittleEndian(block[places[1]..], dMin);
        switch (type)
        {
            case WeightType.Q2_K:
                for (int group = 0; group < FileBlocks.MostGroups; group++)
                    block[group] = (byte)(scales[group] | (minimums[group] << 4));
                Pairs(codes, block[16..]);
                break;
            case WeightType.Q3_K:
                ThreeBits(scales, codes, block);
                break;
            case WeightType.Q6_K:
                SixBits(scales, codes, block);
                break;
            case WeightType.Q4_K or WeightType.Q5_K:
                FourOrFiveBits(scales, minimums, codes, type == WeightType.Q5_K, block);
                break;
            case WeightType.IQ4_XS:
                NonLinear(scales, codes, block);
                break;
            default:
                int first = places.Length * sizeof(ushort), fifth = type is WeightType.Q5_0 or WeightType.Q5_1 ? 4 : 0;
                Nibbles(codes, block[(first + fifth)..]);
                for (int i = 0; i < Small && fifth > 0; i++)
                    block[first + (i / 8)] |= (byte)(codes[i] >> 4 << (i % 8));
                break;
        }
    }

    /// <summary>Writes the lower four bits of 32 codes.</summary>
    private static void Nibbles(ReadOnlySpan<int> codes, Span<byte> bits)
    {
        for (int i = 0; i < Small / 2; i++)
            bits[i] = (byte)((codes[i] & 15) | ((codes[(Small / 2) + i] & 15) << 4));
    }

    /// <summary>Writes the lower two bits of 256 codes.</summary>
    private static void Pairs(ReadOnlySpan<int> codes, Span<byte> bits)
    {
        for (int i = 0; i < Large; i++)
            bits[(i / 128 * 32) + (i % 32)] |= (byte)((codes[i] & 3) << (i % 128 / 32 * 2));
    }

    private static void NonLinear(ReadOnlySpan<int> scales, ReadOnlySpan<int> codes, Span<byte> block)
    {
        int upper = 0;
        for (int group = 0; group < Large / Small; group++)
        {
            int scale = scales[group] + 32;
            block[4 + (group / 2)] |= (byte)((scale & 15) << (4 * (group % 2)));
            upper |= scale >> 4 << (2 * group);
            Nibbles(codes.Slice(group * Small, Small), block[(8 + (group * Small / 2))..]);
        }
        BinaryPrimitives.WriteUInt16LittleEndian(block[2..], (ushort)upper);
    }

    private static void ThreeBits(ReadOnlySpan<int> scales, ReadOnlySpan<int> codes, Span<byte> block)
    {
        Span<byte> packed = block.Slice(96, 12);
        for (int group = 0; group < FileBlocks.MostGroups; group++)
        {
            int scale = scales[group] + 32;
            packed[group % 8] |= (byte)((scale & 15) << (4 * (group / 8)));
            packed[8 + (group % 4)] |= (byte)(scale >> 4 << (2 * (group / 4)));
        }
        Pairs(codes, block[32..]);
        for (int i = 0; i < Large; i++)
            block[i % 32] |= (byte)(codes[i] >> 2 << (i / 32));
    }

    private static void FourOrFiveBits(ReadOnlySpan<int> scales, ReadOnlySpan<int> minimums, ReadOnlySpan<int> codes,
        bool hasFifth, Span<byte> block)
    {
        Span<byte> packed = block.Slice(4, 12), bits = block[(hasFifth ? 48 : 16)..];
        for (int group = 0; group < 4; group++)
        {
            (int scale, int least) = (scales[group + 4], minimums[group + 4]);
            packed[group] = (byte)(scales[group] | (scale >> 4 << 6));
            packed[group + 4] = (byte)(minimums[group] | (least >> 4 << 6));
            packed[group + 8] = (byte)((scale & 15) | ((least & 15) << 4));
        }
        for (int i = 0; i < Large; i++)
        {
            int group = i / Small;
            bits[(group / 2 * Small) + (i % Small)] |= (byte)((codes[i] & 15) << (4 * (group % 2)));
            if (hasFifth)
                block[16 + (i % Small)] |= (byte)(codes[i] >> 4 << group);
        }
    }

    private static void SixBits(ReadOnlySpan<int> scales, ReadOnlySpan<int> codes, Span<byte> block)
    {
        for (int group = 0; group < FileBlocks.MostGroups; group++)
            block[192 + group] = (byte)(sbyte)scales[group];
        for (int i = 0; i < Large; i++)
        {
            int half = i / 128, group = i % 128 / 32, at = i % 32;
            block[(half * 64) + (group % 2 * 32) + at] |= (byte)((codes[i] & 15) << (4 * (group / 2)));
            block[128 + (half * 32) + at] |= (byte)(codes[i] >> 4 << (2 * group));
        }
    }
}
