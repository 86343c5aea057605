using System.Buffers.Binary;
using SkiaSharp;

namespace Atelier.Data.Images;

/// <summary>
/// The orientation tag (0x0112) of the EXIF chunk of a PNG file, which the decoder ignores (PNG specification, third
/// edition, 11.3.4.5).
/// </summary>
internal static class PngOrientation
{
    private const int SignatureBytes = 8, HeadBytes = 8, CrcBytes = 4;
    private const int TiffHeaderBytes = 8, TagBytes = 12, OrientationTag = 0x0112;

    /// <summary>Reads the orientation; the default if the tag is missing or damaged.</summary>
    public static SKEncodedOrigin Read(ReadOnlySpan<byte> png)
    {
        ReadOnlySpan<byte> rest = png.Length < SignatureBytes ? [] : png[SignatureBytes..];
        while (rest.Length >= HeadBytes + CrcBytes)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(rest);
            if (length < 0 || length > rest.Length - HeadBytes - CrcBytes)
                break;
            if (rest[4..HeadBytes].SequenceEqual("eXIf"u8))
                return OfTiff(rest.Slice(HeadBytes, length));
            rest = rest[(HeadBytes + length + CrcBytes)..];
        }
        return SKEncodedOrigin.TopLeft;
    }

    /// <summary>Searches the first directory of a TIFF structure (TIFF 6.0, section 2).</summary>
    private static SKEncodedOrigin OfTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < TiffHeaderBytes || !(tiff.StartsWith("II*\0"u8) || tiff.StartsWith("MM\0*"u8)))
            return SKEncodedOrigin.TopLeft;
        bool isLittle = tiff[0] == 'I';
        uint start = isLittle
            ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (start > tiff.Length - 2)
            return SKEncodedOrigin.TopLeft;
        ReadOnlySpan<byte> tags = tiff[((int)start + 2)..];
        for (int tag = Short(tiff[(int)start..]); tag > 0 && tags.Length >= TagBytes; tag--, tags = tags[TagBytes..])
        {
            if (Short(tags) == OrientationTag && Short(tags[8..]) is >= 1 and <= 8 and var value)
                return (SKEncodedOrigin)value;
        }
        return SKEncodedOrigin.TopLeft;

        int Short(ReadOnlySpan<byte> at) => isLittle
            ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);
    }
}
