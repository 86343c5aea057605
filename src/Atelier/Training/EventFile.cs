using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace Atelier.Training;

/// <summary>Writes scalars and images for TensorBoard, as a TFRecord file of Event messages.</summary>
internal sealed class EventFile : IDisposable
{
    private readonly FileStream _stream;

    /// <summary>Creates a new file in a folder. TensorBoard reads all files of a folder as one run.</summary>
    public EventFile(string folder)
    {
        Directory.CreateDirectory(folder);
        string name = string.Create(CultureInfo.InvariantCulture,
            $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}.{Environment.MachineName}."
                + $"{Environment.ProcessId}.{Guid.NewGuid():N}");
        _stream = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(new Event { WallTime = Now(), FileVersion = "brain.Event:2" });
    }

    /// <summary>Writes the metrics of a step.</summary>
    public void Write(long step, IReadOnlyDictionary<string, double> values)
    {
        var summary = new Summary();
        foreach ((string tag, double value) in values)
            summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        Write(new Event { WallTime = Now(), Step = step, Summary = summary });
    }

    /// <summary>Writes an image of a step, given as PNG.</summary>
    public void WritePicture(long step, string tag, byte[] png)
    {
        var image = new Summary.Types.Image
        {
            // The IHDR chunk begins with width and height, after the signature (8 bytes), its length and its type.
            Width = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)),
            Height = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)),
            Colorspace = 3,
            EncodedImageString = ByteString.CopyFrom(png),
        };
        var summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, Image = image } } };
        Write(new Event { WallTime = Now(), Step = step, Summary = summary });
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    /// <summary>Writes a record: the length, its checksum, the message, and its checksum.</summary>
    private void Write(Event message)
    {
        byte[] data = message.ToByteArray();
        byte[] record = new byte[data.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), Masked(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), Masked(data));
        _stream.Write(record);
        _stream.Flush();
    }

    /// <summary>Computes the masked CRC-32C of the TFRecord format: the checksum rotated, plus a constant.</summary>
    private static uint Masked(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
            crc = BitOperations.Crc32C(crc, value);
        crc = ~crc;
        return BitOperations.RotateRight(crc, 15) + 0xA282EAD8;
    }

    private static double Now() => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
}
