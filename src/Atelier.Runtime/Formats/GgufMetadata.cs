using System.Text;

namespace Atelier.Formats;

/// <summary>Collects the metadata values of a GGUF file to write, in order.</summary>
public sealed class GgufMetadata
{
    private readonly MemoryStream _bytes = new();
    private readonly BinaryWriter _writer;

    /// <summary>Creates metadata whose first value is the architecture.</summary>
    /// <param name="architecture">The value of general.architecture, such as "llama" or "gpt2".</param>
    public GgufMetadata(string architecture)
    {
        _writer = new BinaryWriter(_bytes, Encoding.UTF8);
        Architecture = architecture;
        Add("general.architecture", architecture);
    }

    /// <summary>The architecture, which is the first part of the keys of its own values.</summary>
    public string Architecture { get; }

    /// <summary>Number of values.</summary>
    public int Count { get; private set; }

    /// <summary>The values in the format of the file.</summary>
    internal ReadOnlySpan<byte> Bytes
    {
        get
        {
            _writer.Flush();
            return _bytes.GetBuffer().AsSpan(0, (int)_bytes.Length);
        }
    }

    /// <summary>Adds a string.</summary>
    public void Add(string key, string value)
    {
        Begin(key, GgufValueType.Text);
        Text(value);
    }

    /// <summary>Adds an unsigned 32-bit integer.</summary>
    /// <exception cref="OverflowException">The value is negative or does not fit into 32 bits.</exception>
    public void Add(string key, long value)
    {
        Begin(key, GgufValueType.UInt32);
        _writer.Write(checked((uint)value));
    }

    /// <summary>Adds a number in single precision.</summary>
    public void Add(string key, double value)
    {
        Begin(key, GgufValueType.Float32);
        _writer.Write((float)value);
    }

    /// <summary>Adds a Boolean.</summary>
    public void Add(string key, bool value)
    {
        Begin(key, GgufValueType.Bool);
        _writer.Write(value);
    }

    /// <summary>Adds an array of strings.</summary>
    public void Add(string key, IReadOnlyCollection<string> values)
    {
        Begin(key, GgufValueType.Text, values.Count);
        foreach (string value in values)
            Text(value);
    }

    /// <summary>Adds an array of numbers in single precision.</summary>
    public void Add(string key, IReadOnlyCollection<float> values)
    {
        Begin(key, GgufValueType.Float32, values.Count);
        foreach (float value in values)
            _writer.Write(value);
    }

    /// <summary>Adds an array of 32-bit integers.</summary>
    public void Add(string key, IReadOnlyCollection<int> values)
    {
        Begin(key, GgufValueType.Int32, values.Count);
        foreach (int value in values)
            _writer.Write(value);
    }

    private void Begin(string key, GgufValueType type, int? count = null)
    {
        Text(key);
        if (count is not null)
            _writer.Write((uint)GgufValueType.Array);
        _writer.Write((uint)type);
        if (count is int items)
            _writer.Write((ulong)items);
        Count++;
    }

    private void Text(string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        _writer.Write((ulong)bytes.Length);
        _writer.Write(bytes);
    }
}
