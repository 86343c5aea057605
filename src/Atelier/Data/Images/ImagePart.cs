using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Atelier.Formats;
using Microsoft.Win32.SafeHandles;

namespace Atelier.Data.Images;

/// <summary>
/// One part of prepared images, in an idx file [count, channels, height, width]. Images are read on demand.
/// </summary>
public sealed class ImagePart : IDisposable
{
    private const int HeaderBytes = 4 + (4 * 4);
    private readonly SafeFileHandle _pixels;
    private string? _contentHash;

    private ImagePart(SafeFileHandle pixels, ImageSchema schema, IReadOnlyList<int> labels) =>
        (_pixels, Schema, Labels) = (pixels, schema, labels);

    /// <summary>The size, channels and classes of the images.</summary>
    public ImageSchema Schema { get; }

    /// <summary>The label of each image; all 0 where there are no classes.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>The SHA-256 of the size, values and labels of the images, in lower-case hexadecimal digits.</summary>
    public string ContentHash => _contentHash ??= Hash();

    /// <summary>Number of images.</summary>
    public int Count => Labels.Count;

    /// <summary>Reads an image: channels, then rows, then columns, 0 to 255.</summary>
    /// <param name="number">The number of the image, from 0.</param>
    /// <param name="image">Receives <see cref="ImageSchema.Size"/> values.</param>
    public void Read(int number, Span<byte> image)
    {
        int read = RandomAccess.Read(_pixels, image[..Schema.Size], HeaderBytes + ((long)number * Schema.Size));
        if (read < Schema.Size)
            throw new AtelierException("the prepared images are truncated", hint: "prepare the data again");
    }

    /// <inheritdoc/>
    public void Dispose() => _pixels.Dispose();

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<int>([Schema.Channels, Schema.Height, Schema.Width, .. Labels]));
        var bytes = new byte[1 << 20];
        long at = HeaderBytes;
        for (int read; (read = RandomAccess.Read(_pixels, bytes, at)) > 0; at += read)
            hash.AppendData(bytes, 0, read);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Writes a part: NAME-images.idx and NAME-labels.bin.</summary>
    internal static void Write(string folder, string name, ImageSchema schema,
        IReadOnlyList<(byte[] Pixels, int Label)> images)
    {
        AtomicFile.Write(Path.Combine(folder, $"{name}-images.idx"), stream =>
        {
            IdxFile.WriteHeader(stream, images.Count, schema.Channels, schema.Height, schema.Width);
            foreach ((byte[] pixels, _) in images)
                stream.Write(pixels);
        });
        AtomicFile.Write(Path.Combine(folder, $"{name}-labels.bin"), stream =>
        {
            Span<byte> label = stackalloc byte[4];
            foreach ((_, int value) in images)
            {
                BinaryPrimitives.WriteInt32LittleEndian(label, value);
                stream.Write(label);
            }
        });
    }

    /// <summary>Opens a part.</summary>
    /// <exception cref="AtelierException">A file is missing or damaged.</exception>
    internal static ImagePart Open(string folder, string name, ImageSchema schema)
    {
        string pixels = Path.Combine(folder, $"{name}-images.idx"), labels = Path.Combine(folder, $"{name}-labels.bin");
        SafeFileHandle? handle = null;
        try
        {
            byte[] bytes = File.ReadAllBytes(labels);
            var values = new int[bytes.Length / 4];
            for (int i = 0; i < values.Length; i++)
                values[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4 * i));
            handle = File.OpenHandle(pixels);
            long expected = HeaderBytes + ((long)values.Length * schema.Size);
            if (RandomAccess.GetLength(handle) != expected
                || values.Any(label => label < 0 || label >= Math.Max(1, schema.Classes.Count)))
                throw new AtelierException("the prepared images are damaged", pixels, "prepare the data again");
            return new ImagePart(handle, schema, values);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("the prepared images cannot be read: " + e.Message.TrimEnd('.'), folder,
                "prepare the data again", e);
        }
        catch
        {
            handle?.Dispose();
            throw;
        }
    }
}
