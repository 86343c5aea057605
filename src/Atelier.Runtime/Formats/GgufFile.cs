using System.Globalization;
using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>
/// A memory-mapped GGUF file (versions 2 and 3): metadata, a vocabulary and weights. Every length is checked against
/// the rest of the file before memory is allocated, and tensors must lie inside the file without overlapping.
/// </summary>
public sealed class GgufFile : IDisposable
{
    // The largest models have a few thousand tensors and a few hundred values.
    private const int MostTensors = 1 << 16;
    private const int MostValues = 1 << 14;
    private const int MostDimensions = 4;
    private readonly MappedFile _file;
    private readonly Dictionary<string, GgufValue> _values;
    private readonly Dictionary<string, (GgufTensor Tensor, long Offset)> _tensors = [];

    private GgufFile(MappedFile file)
    {
        _file = file;
        var reader = new GgufReader(file, 0);
        if (reader.UInt32() != 0x46554747) // "GGUF"
            throw Damaged("it does not start with GGUF");
        uint version = reader.UInt32();
        if (version is not (2 or 3))
            throw Damaged($"its version is {version}; supported are 2 and 3");
        long tensorCount = reader.Count(24); // at least a name's length, a number of dimensions, a type and an offset
        long valueCount = reader.Count(13); // at least a name's length, a type and a byte
        if (tensorCount > MostTensors || valueCount > MostValues)
            throw Damaged(
                $"{tensorCount} tensors and {valueCount} values are declared; {MostTensors} and {MostValues} are "
                    + $"supported at most");
        _values = ReadValues(ref reader, valueCount);
        ReadTensors(ref reader, tensorCount);
        Tensors = [.. _tensors.Values.OrderBy(t => t.Offset).Select(t => t.Tensor)];
    }

    /// <summary>The path of the file.</summary>
    public string Path => _file.Path;

    /// <summary>The keys of all metadata values.</summary>
    public IReadOnlyCollection<string> Keys => _values.Keys;

    /// <summary>The tensors in the order of their data in the file.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Returns whether a file begins with the signature of GGUF files.</summary>
    /// <exception cref="AtelierException">The file is missing or cannot be read.</exception>
    public static bool IsGguf(string path)
    {
        using MappedFile file = MappedFile.Open(path);
        return file.Length >= 4 && file.Bytes(0, 4).SequenceEqual("GGUF"u8);
    }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="AtelierException">The file is missing, truncated or not GGUF, or has tensors of an unsupported
    /// type.</exception>
    public static GgufFile Open(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return new GgufFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Returns whether the metadata has a value with a given key.</summary>
    public bool Contains(string key) => _values.ContainsKey(key);

    /// <summary>Returns a string; <paramref name="otherwise"/> if the value is missing.</summary>
    /// <exception cref="AtelierException">The value is missing and no other is given, or it has another
    /// type.</exception>
    public string Text(string key, string? otherwise = null) =>
        Find(key, isArray: false, otherwise is not null, type => type == GgufValueType.Text) is { } value
            ? new GgufReader(_file, value.Offset).Text()
            : otherwise!;

    /// <summary>Returns an integer; <paramref name="otherwise"/> if the value is missing.</summary>
    /// <inheritdoc cref="Text"/>
    public long Integer(string key, long? otherwise = null) =>
        Find(key, isArray: false, otherwise is not null, IsInteger) is { } value
            ? new GgufReader(_file, value.Offset).Integer(value.Type)
            : otherwise!.Value;

    /// <summary>Returns a number; <paramref name="otherwise"/> if the value is missing.</summary>
    /// <inheritdoc cref="Text"/>
    public double Number(string key, double? otherwise = null) =>
        Find(key, isArray: false, otherwise is not null, IsNumber) is { } value
            ? new GgufReader(_file, value.Offset).Number(value.Type)
            : otherwise!.Value;

    /// <summary>Returns a Boolean; <paramref name="otherwise"/> if the value is missing.</summary>
    /// <inheritdoc cref="Text"/>
    public bool Boolean(string key, bool? otherwise = null) =>
        Find(key, isArray: false, otherwise is not null, type => type == GgufValueType.Bool) is { } value
            ? _file.Bytes(value.Offset, 1)[0] != 0
            : otherwise!.Value;

    /// <summary>Returns an array of strings.</summary>
    /// <exception cref="AtelierException">The value is missing or has another type.</exception>
    public string[] Texts(string key)
    {
        GgufValue value = Find(key, isArray: true, isOptional: false, type => type == GgufValueType.Text)!.Value;
        var reader = new GgufReader(_file, value.Offset);
        var texts = new string[value.Count];
        for (int i = 0; i < texts.Length; i++)
            texts[i] = reader.Text();
        return texts;
    }

    /// <summary>Returns an array of numbers.</summary>
    /// <inheritdoc cref="Texts"/>
    public float[] Numbers(string key)
    {
        GgufValue value = Find(key, isArray: true, isOptional: false, IsNumber)!.Value;
        var reader = new GgufReader(_file, value.Offset);
        var numbers = new float[value.Count];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (float)reader.Number(value.Type);
        return numbers;
    }

    /// <summary>
    /// Returns a value as JSON. An array is written as its length only, such as "[3 values]", or "[]" if it is empty.
    /// </summary>
    internal string Json(string key)
    {
        GgufValue value = _values[key];
        if (value.IsArray)
            return value.Count == 0 ? "[]" : string.Create(CultureInfo.InvariantCulture, $"[{value.Count} values]");
        return value.Type switch
        {
            GgufValueType.Text => $"\"{Text(key)}\"",
            GgufValueType.Bool => Boolean(key) ? "true" : "false",
            GgufValueType.Float32 => ((float)Number(key)).ToString("R", CultureInfo.InvariantCulture),
            GgufValueType.Float64 => Number(key).ToString("R", CultureInfo.InvariantCulture),
            _ => Integer(key).ToString(CultureInfo.InvariantCulture),
        };
    }

    /// <summary>Returns the tensor with a given name, or null.</summary>
    public GgufTensor? Find(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor.Tensor : null;

    /// <summary>Returns a pointer to the data of a tensor, which is valid until the file is disposed.</summary>
    /// <exception cref="AtelierException">The file has no such tensor.</exception>
    public unsafe byte* Pointer(string name)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
            throw new AtelierException($"there is no tensor '{name}'", Path,
                "the file belongs to another kind of model");
        return _file.Pointer(tensor.Offset, tensor.Tensor.ByteCount);
    }

    /// <summary>Returns whether the file has two tensors with the same type, shape and bytes.</summary>
    internal unsafe bool AreCopies(string name, string other)
    {
        if (Find(name) is not { } one || Find(other) is not { } two || one.Type != two.Type
            || !one.Shape.SequenceEqual(two.Shape))
            return false;
        byte* first = Pointer(name), second = Pointer(other);
        const int most = 1 << 30; // a span holds no more than 2 GiB
        for (long at = 0; at < one.ByteCount; at += most)
        {
            int length = (int)Math.Min(most, one.ByteCount - at);
            if (!new ReadOnlySpan<byte>(first + at, length).SequenceEqual(new ReadOnlySpan<byte>(second + at, length)))
                return false;
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private Dictionary<string, GgufValue> ReadValues(ref GgufReader reader, long count)
    {
        var values = new Dictionary<string, GgufValue>();
        for (long i = 0; i < count; i++)
        {
            string key = reader.Text();
            if (!values.TryAdd(key, reader.Skip((GgufValueType)reader.UInt32())))
                throw Damaged($"'{key}' appears twice");
        }
        return values;
    }

    private void ReadTensors(ref GgufReader reader, long count)
    {
        for (long i = 0; i < count; i++)
        {
            (GgufTensor tensor, long offset) = ReadTensor(ref reader);
            if (!_tensors.TryAdd(tensor.Name, (tensor, offset)))
                throw Damaged($"tensor '{tensor.Name}' appears twice");
        }
        long alignment = Integer("general.alignment", 32);
        if (alignment is < 1 or > 1 << 20 || !long.IsPow2(alignment))
            throw Damaged($"its alignment is {alignment}, not a power of two up to 2^20");
        long start = (reader.Position + alignment - 1) / alignment * alignment, end = start;
        foreach ((GgufTensor tensor, long offset) in _tensors.Values.OrderBy(t => t.Offset)
            .ThenBy(t => t.Tensor.ByteCount).ToList())
        {
            if (offset % alignment != 0)
                throw Damaged($"tensor '{tensor.Name}' starts at {offset}, not a multiple of the alignment "
                    + $"{alignment}");
            if (offset > _file.Length - start || tensor.ByteCount > _file.Length - start - offset)
                throw Damaged($"tensor '{tensor.Name}' lies outside the file");
            if (start + offset < end)
                throw Damaged($"tensor '{tensor.Name}' overlaps another");
            end = start + offset + tensor.ByteCount;
            _tensors[tensor.Name] = (tensor, start + offset);
        }
    }

    private (GgufTensor Tensor, long Offset) ReadTensor(ref GgufReader reader)
    {
        string name = reader.Text();
        uint dimensions = reader.UInt32();
        if (dimensions > MostDimensions)
            throw Damaged($"tensor '{name}' has {dimensions} dimensions; at most {MostDimensions} are supported");
        long[] shape = new long[dimensions];
        for (int i = shape.Length - 1; i >= 0; i--) // the file stores the fastest dimension first
            shape[i] = (long)reader.UInt64();
        uint number = reader.UInt32();
        long offset = (long)reader.UInt64();
        WeightType type = GgufTensor.TypeOf(number)
            ?? throw new AtelierException($"tensor '{name}' has the type {number}, which is not supported", Path,
                "supported are F32, F16, BF16, Q8_0, Q2_K to Q6_K, Q4_0 to Q5_1, IQ4_NL and IQ4_XS: convert the file "
                + "with llama.cpp's llama-quantize");
        var tensor = new GgufTensor(name, type, shape);
        if (type.IsBlocked() && (shape.Length == 0 || shape[^1] % type.BlockElements() != 0))
            throw Damaged($"tensor '{name}' is in blocks of {type.BlockElements()}, and its rows are not divisible "
                + "into these");
        if (shape.Any(dimension => dimension < 0) || offset < 0 || !HasSize(tensor))
            throw Damaged($"tensor '{name}' has an impossible shape or place");
        return (tensor, offset);
    }

    private static bool HasSize(GgufTensor tensor)
    {
        try
        {
            return tensor.ByteCount >= 0;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    private GgufValue? Find(string key, bool isArray, bool isOptional, Func<GgufValueType, bool> isRight)
    {
        if (!_values.TryGetValue(key, out GgufValue value))
        {
            return isOptional
                ? null
                : throw new AtelierException($"there is no value '{key}'", Path, "download the file again");
        }
        return value.IsArray == isArray && isRight(value.Type)
            ? value
            : throw new AtelierException($"'{key}' has the wrong type", Path,
                "download the file again");
    }

    private static bool IsInteger(GgufValueType type) =>
        type is not (GgufValueType.Float32 or GgufValueType.Float64 or GgufValueType.Bool or GgufValueType.Text
            or GgufValueType.Array);

    private static bool IsNumber(GgufValueType type) =>
        type is GgufValueType.Float32 or GgufValueType.Float64 || IsInteger(type);

    private AtelierException Damaged(string what) => GgufReader.Damaged(Path, what);
}
