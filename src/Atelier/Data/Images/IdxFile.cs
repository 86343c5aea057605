using System.Buffers.Binary;
using Atelier.Data.Text.Reading;

namespace Atelier.Data.Images;

/// <summary>
/// Files of MNIST's format: two zeros, a type, the number of dimensions, their sizes, then the values, all big-endian
/// (LeCun et al. 1998).
/// </summary>
internal static class IdxFile
{
    private const byte UnsignedByte = 8;
    private const int MostDimensions = 4;
    private const long MostBytes = 1L << 31;

    /// <summary>Returns the length of the header in bytes.</summary>
    public static int HeaderBytes(int dimensions) => 4 + (4 * dimensions);

    /// <summary>Returns whether a name is that of such a file: "-ubyte", "-ubyte.gz", ".idx".</summary>
    public static bool IsNamed(string path)
    {
        string name = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        return name.EndsWith("-ubyte", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".idx", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Reads a file of bytes, unpacking gzip.</summary>
    /// <exception cref="AtelierException">It is not such a file, has another type, or its length contradicts its
    /// header.</exception>
    public static (int[] Shape, byte[] Values) Read(string path)
    {
        using Stream stream = FileBytes.Open(path);
        int[] shape = ReadHeader(stream, path);
        long count = shape.Aggregate(1L, (product, size) => product > MostBytes ? product : product * size);
        if (count > MostBytes)
            throw Damaged(path, $"its header declares {count} values, more than {MostBytes}");
        using var values = new MemoryStream(); // grows with what is there: the header is not trusted with an allocation
        var buffer = new byte[1 << 16];
        for (int read; values.Length <= count && (read = stream.Read(buffer)) > 0;)
            values.Write(buffer, 0, read);
        if (values.Length != count)
            throw Damaged(path,
                $"its header declares {count} values, but "
                    + $"{(values.Length > count ? "more" : $"{values.Length}")} follow");
        return (shape, values.ToArray());
    }

    /// <summary>Reads the sizes that a file of bytes begins with.</summary>
    public static int[] ReadHeader(Stream stream, string path)
    {
        Span<byte> magic = stackalloc byte[4];
        if (stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) < 4 || magic[0] != 0 || magic[1] != 0 || magic[3]
            is 0 or > MostDimensions)
            throw Damaged(path, "it does not start like one");
        if (magic[2] != UnsignedByte)
            throw Damaged(path, $"its type is {magic[2]}, but only bytes (8) are supported");
        var shape = new int[magic[3]];
        Span<byte> sizes = stackalloc byte[4 * MostDimensions];
        sizes = sizes[..(4 * shape.Length)];
        if (stream.ReadAtLeast(sizes, sizes.Length, throwOnEndOfStream: false) < sizes.Length)
            throw Damaged(path, "its header is truncated");
        for (int i = 0; i < shape.Length; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt32BigEndian(sizes[(4 * i)..]);
            if (shape[i] < 0)
                throw Damaged(path, "a size is negative");
        }
        return shape;
    }

    /// <summary>Writes the header of a file of bytes.</summary>
    public static void WriteHeader(Stream stream, params ReadOnlySpan<int> shape)
    {
        Span<byte> header = stackalloc byte[HeaderBytes(shape.Length)];
        header.Clear();
        (header[2], header[3]) = (UnsignedByte, (byte)shape.Length);
        for (int i = 0; i < shape.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(header[(4 + (4 * i))..], shape[i]);
        stream.Write(header);
    }

    private static AtelierException Damaged(string path, string what) =>
        new($"is not a valid idx file: {what}", path, "download the file again, or remove it");
}
