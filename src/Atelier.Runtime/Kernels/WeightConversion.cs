using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Atelier.Kernels;

/// <summary>
/// Converts single precision to each weight type and back, element by element, with the same results as GGUF's tools.
/// This plain code defines the types and is the reference for the tests of the kernels.
/// </summary>
public static class WeightConversion
{
    /// <summary>
    /// Converts elements to a type, rounded to the nearest value. Blocks of groups with a scale, for example Q4_K, have
    /// those scales with which the squares of the errors have the smallest sum that is found.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <param name="source">The elements; whole blocks for blocked types.</param>
    /// <param name="destination">Filled with the converted elements; its length must be their exact size.</param>
    /// <exception cref="ArgumentException">The lengths do not match.</exception>
    public static void Encode(WeightType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        CheckLengths(type, source.Length, destination.Length);
        switch (type)
        {
            case WeightType.F32:
                MemoryMarshal.AsBytes(source).CopyTo(destination);
                break;
            case WeightType.BF16:
                for (int i = 0; i < source.Length; i++)
                    BinaryPrimitives.WriteUInt16LittleEndian(destination[(2 * i)..], ToBFloat16(source[i]));
                break;
            case WeightType.F16:
                for (int i = 0; i < source.Length; i++)
                    BinaryPrimitives.WriteHalfLittleEndian(destination[(2 * i)..], (Half)source[i]);
                break;
            case WeightType.Q8_0:
                for (int block = 0; block < source.Length / WeightTypes.BlockSize; block++)
                    EncodeQ8(source.Slice(block * WeightTypes.BlockSize, WeightTypes.BlockSize),
                        destination[(block * WeightTypes.Q8BlockBytes)..]);
                break;
            case var _ when FileBlocks.Has(type):
                GroupedEncoding.Encode(type, source, default, destination);
                break;
            default:
                int bytes = (int)type.RowBytes(WeightTypes.BlockSize);
                for (int block = 0; block < source.Length / WeightTypes.BlockSize; block++)
                    EncodeCodes(type, source.Slice(block * WeightTypes.BlockSize, WeightTypes.BlockSize),
                        destination.Slice(block * bytes, bytes));
                break;
        }
    }

    /// <summary>
    /// Converts elements to blocks of groups with a scale, for example Q4_K, so that the squares of the errors, each
    /// times the importance of its element, have the smallest sum that is found. Other types are rounded as by
    /// <see cref="Encode(WeightType, ReadOnlySpan{float}, Span{byte})"/>.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <param name="source">The elements; whole blocks for blocked types.</param>
    /// <param name="importance">The importance of each element, at least 0, such as the mean square of the input that
    /// it is multiplied with.</param>
    /// <param name="destination">Filled with the converted elements; its length must be their exact size.</param>
    /// <exception cref="ArgumentException">The lengths do not match.</exception>
    public static void Encode(WeightType type, ReadOnlySpan<float> source, ReadOnlySpan<float> importance,
        Span<byte> destination)
    {
        CheckLengths(type, source.Length, destination.Length);
        if (importance.Length != source.Length)
            throw new ArgumentException($"{importance.Length} importances for {source.Length} elements",
                nameof(importance));
        if (FileBlocks.Has(type))
            GroupedEncoding.Encode(type, source, importance, destination);
        else
            Encode(type, source, destination);
    }

    /// <summary>Converts elements of a type to single precision.</summary>
    /// <param name="type">The type.</param>
    /// <param name="source">The bytes of exactly these elements.</param>
    /// <param name="destination">Filled with the elements; whole blocks for blocked types.</param>
    /// <exception cref="ArgumentException">The lengths do not match.</exception>
    public static void Decode(WeightType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckLengths(type, destination.Length, source.Length);
        switch (type)
        {
            case WeightType.F32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case WeightType.BF16:
                for (int i = 0; i < destination.Length; i++)
                {
                    uint upper = BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]);
                    destination[i] = BitConverter.UInt32BitsToSingle(upper << 16);
                }
                break;
            case WeightType.F16:
                for (int i = 0; i < destination.Length; i++)
                    destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(source[(2 * i)..]);
                break;
            case WeightType.Q8_0:
                for (int i = 0; i < destination.Length; i++)
                {
                    ReadOnlySpan<byte> block =
                        source.Slice(i / WeightTypes.BlockSize * WeightTypes.Q8BlockBytes, WeightTypes.Q8BlockBytes);
                    sbyte value = (sbyte)block[2 + i % WeightTypes.BlockSize];
                    destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(block) * value;
                }
                break;
            case var _ when FileBlocks.Has(type):
                FileBlocks.Decode(type, source, destination);
                break;
            default:
                DecodeCodes(type, source, destination);
                break;
        }
    }

    /// <summary>Converts blocks to those of <see cref="WeightTypes.Widened"/>.</summary>
    /// <param name="type">The type of the blocks, which is another.</param>
    /// <param name="source">The bytes of whole blocks.</param>
    /// <param name="destination">Filled with the same elements, or the nearest.</param>
    internal static void Widen(WeightType type, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (FileBlocks.Has(type))
            FileBlocks.ToBytes(type, source, destination);
        else
            BlockCodes.Expand(type, source, destination);
    }

    /// <summary>Returns whether all elements are finite numbers. Of blocks, only the scales need to be read.</summary>
    /// <param name="type">The type.</param>
    /// <param name="source">The bytes of whole elements or blocks.</param>
    internal static bool AreFinite(WeightType type, ReadOnlySpan<byte> source)
    {
        if (type == WeightType.F32)
            return !MemoryMarshal.Cast<byte, float>(source).ContainsAnyExceptInRange(-float.MaxValue, float.MaxValue);
        const int halfExponent = 0x7C00, bFloat16Exponent = 0x7F80; // all bits set: infinite, or not a number
        int exponent = type == WeightType.BF16 ? bFloat16Exponent : halfExponent;
        ReadOnlySpan<int> places = type.IsBlocked() ? FileBlocks.ScalePlaces(type) : [0];
        int step = (int)type.RowBytes(type.BlockElements());
        foreach (int place in places)
        {
            for (int at = place; at < source.Length; at += step)
            {
                if ((BinaryPrimitives.ReadUInt16LittleEndian(source[at..]) & exponent) == exponent)
                    return false;
            }
        }
        return true;
    }

    /// <summary>Rounds to the nearest bfloat16, ties to even. NaN stays NaN.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? (ushort)((bits >> 16) | 0x40)
            : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    // The element with the largest magnitude becomes ±127.
    private static void EncodeQ8(ReadOnlySpan<float> source, Span<byte> block)
    {
        float highest = 0;
        foreach (float value in source)
            highest = Math.Max(highest, Math.Abs(value));
        float scale = highest / 127, inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        for (int i = 0; i < source.Length; i++)
        {
            float rounded = MathF.Round(source[i] * inverse, MidpointRounding.AwayFromZero);
            block[2 + i] = (byte)(sbyte)Math.Clamp(rounded, -127, 127);
        }
    }

    // The element with the largest magnitude becomes the lowest code, the end of the range with the larger magnitude.
    private static void EncodeCodes(WeightType type, ReadOnlySpan<float> source, Span<byte> block)
    {
        float extreme = 0;
        foreach (float value in source)
            extreme = Math.Abs(value) > Math.Abs(extreme) ? value : extreme;
        float scale = extreme / BlockCodes.Range(type).Lowest, inverse = scale == 0 ? 0 : 1 / scale;
        Span<int> codes = stackalloc int[WeightTypes.BlockSize];
        for (int i = 0; i < codes.Length; i++)
            codes[i] = type == WeightType.Q4_0 // in GGUF's own arithmetic
                ? Math.Clamp((int)(source[i] * inverse + 8.5f), 0, 15) - 8
                : BlockCodes.Nearest(type, source[i] * inverse);
        BlockCodes.Pack(type, (Half)scale, codes, block);
    }

    private static void DecodeCodes(WeightType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        int bytes = (int)type.RowBytes(WeightTypes.BlockSize);
        Span<int> codes = stackalloc int[WeightTypes.BlockSize];
        for (int block = 0; block < destination.Length / WeightTypes.BlockSize; block++)
        {
            float scale = (float)BlockCodes.Unpack(type, source.Slice(block * bytes, bytes), codes);
            for (int i = 0; i < codes.Length; i++)
                destination[(block * WeightTypes.BlockSize) + i] = scale * codes[i];
        }
    }

    private static void CheckLengths(WeightType type, int elements, int bytes)
    {
        if (type.RowBytes(elements) != bytes)
            throw new ArgumentException(
                $"{elements} elements of {type} take {type.RowBytes(elements)} bytes, not {bytes}");
    }
}
