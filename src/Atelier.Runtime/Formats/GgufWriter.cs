using System.Text;

namespace Atelier.Formats;

/// <summary>
/// Writes GGUF files of version 3: counts, metadata, the descriptions of the tensors, then their data, each aligned to
/// 32 bytes.
/// </summary>
public static class GgufWriter
{
    private const int Alignment = 32; // the default of the format, which needs no metadata value

    /// <summary>Writes a file completely or not at all.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="metadata">The metadata values.</param>
    /// <param name="tensors">The tensors, in the order of their data.</param>
    /// <param name="writeData">Writes the data of one tensor: exactly <see cref="GgufTensor.ByteCount"/> bytes.</param>
    /// <exception cref="AtelierException">The disk is full or the file cannot be written.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="writeData"/> wrote another number of
    /// bytes.</exception>
    public static void Write(string path, GgufMetadata metadata, IReadOnlyList<GgufTensor> tensors,
        Action<GgufTensor, Stream> writeData)
        => AtomicFile.Write(path, stream =>
        {
            using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
            writer.Write("GGUF"u8);
            writer.Write(3U);
            writer.Write((ulong)tensors.Count);
            writer.Write((ulong)metadata.Count);
            writer.Write(metadata.Bytes);
            long offset = 0;
            foreach (GgufTensor tensor in tensors)
            {
                byte[] name = Encoding.UTF8.GetBytes(tensor.Name);
                writer.Write((ulong)name.Length);
                writer.Write(name);
                writer.Write(tensor.Shape.Count);
                foreach (long dimension in tensor.Shape.Reverse()) // the file stores the fastest dimension first
                    writer.Write(dimension);
                writer.Write(tensor.TypeNumber);
                writer.Write(offset);
                offset = Padded(offset + tensor.ByteCount);
            }
            writer.Flush();
            Pad(stream);
            foreach (GgufTensor tensor in tensors)
            {
                long before = stream.Position;
                writeData(tensor, stream);
                if (stream.Position - before != tensor.ByteCount)
                    throw new InvalidOperationException(
                        $"{tensor.Name}: {stream.Position - before} bytes were written, {tensor.ByteCount} "
                            + $"belong to it");
                Pad(stream);
            }
        });

    private static long Padded(long position) => (position + Alignment - 1) / Alignment * Alignment;

    private static void Pad(Stream stream)
    {
        Span<byte> zeros = stackalloc byte[Alignment];
        zeros.Clear();
        stream.Write(zeros[..(int)(Padded(stream.Position) - stream.Position)]);
    }
}
