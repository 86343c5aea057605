using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Atelier.Kernels;

/// <summary>
/// Converts single precision to each weight type and back, element for element as GGUF's tools do. Plain code: the
/// definition of the types, against which the kernels are tested.
/// </summary>
public static class WeightConversion
{
    /// <summary>Writes elements in a type: to the nearest value, of blocked types with a scale for each 32.</summary>
    /// <param name="type">The type.</param>
    /// <param name="source">The elements; of blocked types a multiple of 32.</param>
    /// <param name="destination">Exactly the bytes that they take.</param>
    /// <exception cref="ArgumentException">The lengths do not go together.</exception>
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
            default:
                for (int block = 0; block < source.Length / WeightTypes.BlockSize; block++)
                    EncodeQ4(source.Slice(block * WeightTypes.BlockSize, WeightTypes.BlockSize),
                        destination[(block * WeightTypes.Q4BlockBytes)..]);
                break;
        }
    }

    /// <summary>Reads elements of a type.</summary>
    /// <param name="type">The type.</param>
    /// <param name="source">Exactly their bytes.</param>
    /// <param name="destination">The elements; of blocked types a multiple of 32.</param>
    /// <exception cref="ArgumentException">The lengths do not go together.</exception>
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
                    destination[i] =
                        BitConverter.UInt32BitsToSingle(
                        (uint)BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]) << 16);
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
                    destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(block) * (sbyte)block[2
                        + i % WeightTypes.BlockSize];
                }
                break;
            default:
                for (int i = 0; i < destination.Length; i++)
                {
                    ReadOnlySpan<byte> block =
                        source.Slice(i / WeightTypes.BlockSize * WeightTypes.Q4BlockBytes, WeightTypes.Q4BlockBytes);
                    int within = i % WeightTypes.BlockSize, pair = block[2 + within % 16];
                    destination[i] =
                        (float)BinaryPrimitives.ReadHalfLittleEndian(block)
                        * ((within < 16 ? pair & 15 : pair >> 4) - 8);
                }
                break;
        }
    }

    /// <summary>The nearest bfloat16, of two equally near the even one; NaN stays NaN.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40)
            : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    // The largest magnitude becomes ±127.
    private static void EncodeQ8(ReadOnlySpan<float> source, Span<byte> block)
    {
        float highest = 0;
        foreach (float value in source)
            highest = Math.Max(highest, Math.Abs(value));
        float scale = highest / 127, inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        for (int i = 0; i < source.Length; i++)
            block[2 + i] =
                (byte)(sbyte)Math.Clamp(MathF.Round(source[i] * inverse, MidpointRounding.AwayFromZero), -127, 127);
    }

    // The value of largest magnitude becomes −8, the one end that has no opposite.
    private static void EncodeQ4(ReadOnlySpan<float> source, Span<byte> block)
    {
        float extreme = 0;
        foreach (float value in source)
            extreme = Math.Abs(value) > Math.Abs(extreme) ? value : extreme;
        float scale = extreme / -8, inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        for (int i = 0; i < 16; i++)
            block[2 + i] = (byte)(Nibble(source[i] * inverse) | (Nibble(source[16 + i] * inverse) << 4));

        static int Nibble(float value) => Math.Clamp((int)(value + 8.5f), 0, 15);
    }

    private static void CheckLengths(WeightType type, int elements, int bytes)
    {
        if (type.RowBytes(elements) != bytes)
            throw new ArgumentException(
                $"{elements} elements of {type} take {type.RowBytes(elements)} bytes, not {bytes}");
    }
}
