using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Atelier.Formats;

/// <summary>
/// Writes safetensors files: the length of the header in 8 bytes, a JSON header, then the data of the tensors,
/// little-endian.
/// </summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file completely or not at all.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="entries">The tensors, in the order of their data.</param>
    /// <param name="writeData">Writes the data of one tensor: exactly <see cref="SafetensorsEntry.ByteCount"/>
    /// bytes.</param>
    /// <param name="metadata">Free text by name, stored in the header.</param>
    /// <exception cref="AtelierException">The disk is full or the file cannot be written.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="writeData"/> wrote another number of
    /// bytes.</exception>
    public static void Write(
        string path,
        IReadOnlyList<SafetensorsEntry> entries,
        Action<SafetensorsEntry, Stream> writeData,
        IReadOnlyDictionary<string, string>? metadata = null)
        => AtomicFile.Write(path, stream =>
        {
            byte[] header = Header(entries, metadata);
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (SafetensorsEntry entry in entries)
            {
                long before = stream.Position;
                writeData(entry, stream);
                if (stream.Position - before != entry.ByteCount)
                    throw new InvalidOperationException(
                        $"{entry.Name}: {stream.Position - before} bytes were written, {entry.ByteCount} belong to it");
            }
        });

    /// <summary>Returns the header, padded with spaces so that the data is aligned to 8 bytes.</summary>
    private static byte[] Header(IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata)
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (SafetensorsEntry entry in entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.Type.ToString().ToUpperInvariant());
                json.WriteStartArray("shape");
                foreach (long dimension in entry.Shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += entry.ByteCount);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }
}
