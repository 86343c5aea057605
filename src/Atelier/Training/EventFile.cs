using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace Atelier.Training;

/// <summary>Scalars and pictures for TensorBoard: a TFRecord file of Event messages.</summary>
internal sealed class EventFile : IDisposable
{
    private readonly FileStream _stream;

    /// <summary>Begins a new file in a folder; TensorBoard reads all that lie there as one run.</summary>
    public EventFile(string folder)
    {
        Directory.CreateDirectory(folder);
        string name = string.Create(CultureInfo.InvariantCulture,
            $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}.{Environment.MachineName}."
                + $"{Environment.ProcessId}.{Guid.NewGuid():N}");
        _stream = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(new Event { WallTime = Now(), FileVersion = "brain.Event:2" });
    }

    /// <summary>Adds the figures of a step.</summary>
    public void Write(long step, IReadOnlyDictionary<string, double> values)
    {
        var summary = new Summary();
        foreach ((string tag, double value) in values)
            summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        Write(new Event { WallTime = Now(), Step = step, Summary = summary });
    }

    /// <summary>Adds a PNG of a step.</summary>
    public void WritePicture(long step, string tag, byte[] png)
    {
        // The header's first two numbers, after the signature and the chunk's head.
        int width = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)),
            height = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20));
        var image = new Summary.Types.Image { Width = width, Height = height, Colorspace = 3,
            EncodedImageString = ByteString.CopyFrom(png) };
        Write(new Event { WallTime = Now(), Step = step,
            Summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, Image = image } } } });
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    /// <summary>One record: the length, its checksum, the message, its checksum.</summary>
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

    /// <summary>CRC-32C, turned and shifted so that a checksum of checksums stays sound, as the format asks.</summary>
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
