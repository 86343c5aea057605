using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Atelier.Formats;

/// <summary>
/// Reads one pickle (Python's stack language for serialised objects, pickletools.py), in the subset that tensors need.
/// It runs no code: only the few functions that create tensors are supported, and every other name or operation is
/// refused by name.
/// </summary>
/// <param name="bytes">The bytes of the pickle and those after it.</param>
/// <param name="path">The path of the file, for error messages.</param>
internal ref struct PickleReader(ReadOnlySpan<byte> bytes, string path)
{
    private const int MostValues = 1 << 20;

    private static readonly Dictionary<string, SafetensorsType> StorageTypes = new()
    {
        ["torch.FloatStorage"] = SafetensorsType.F32, ["torch.DoubleStorage"] = SafetensorsType.F64,
        ["torch.HalfStorage"] = SafetensorsType.F16, ["torch.BFloat16Storage"] = SafetensorsType.BF16,
        ["torch.LongStorage"] = SafetensorsType.I64, ["torch.IntStorage"] = SafetensorsType.I32,
        ["torch.ShortStorage"] = SafetensorsType.I16, ["torch.CharStorage"] = SafetensorsType.I8,
        ["torch.ByteStorage"] = SafetensorsType.U8, ["torch.BoolStorage"] = SafetensorsType.Bool,
    };

    private static readonly HashSet<string> Globals =
        [.. StorageTypes.Keys, "collections.OrderedDict", "torch._utils._rebuild_tensor_v2",
            "torch._utils._rebuild_parameter", "torch.Size"];

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];
    private readonly Dictionary<string, PickleStorage> _storages = [];
    private int _operations;

    /// <summary>The position after the last byte that was read.</summary>
    public int Position { get; private set; }

    /// <summary>The storages that the pickle refers to.</summary>
    public readonly IReadOnlyCollection<PickleStorage> Storages => _storages.Values;

    /// <summary>Reads the pickle and returns its object.</summary>
    /// <returns>
    /// The object: null, bool, long, BigInteger, double, string, object?[] (a tuple), List of object?, or one of the
    /// Pickle types.
    /// </returns>
    /// <exception cref="AtelierException">The pickle is truncated, damaged, or uses more than tensors need.</exception>
    public object? Read()
    {
        while (true)
        {
            int at = Position;
            byte code = Take(1)[0];
            if (code == (byte)'.')
                return Pop();
            if (++_operations > MostValues)
                throw Damaged("it has more values than a file of weights");
            if (!Literal(code) && !Collection(code) && !Memory(code) && !Object(code))
                throw Damaged($"the operation 0x{code:X2} at byte {at} is not needed for tensors");
        }
    }

    private bool Literal(byte code)
    {
        switch (code)
        {
            case 0x80: // PROTO
                byte version = Take(1)[0];
                return version is >= 2 and <= 5 ? true : throw Damaged($"it is a pickle of version {version}");
            case 0x95: // FRAME: the length to read ahead
                Take(8);
                return true;
            case (byte)'N':
                return Push(null);
            case 0x88:
                return Push(true);
            case 0x89:
                return Push(false);
            case (byte)'K':
                return Push((long)Take(1)[0]);
            case (byte)'M':
                return Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
            case (byte)'J':
                return Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
            case (byte)'G':
                return Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
            case 0x8a: // LONG1
                var number = new BigInteger(Take(Take(1)[0]));
                return Push(number >= long.MinValue && number <= long.MaxValue ? (long)number : number);
            case (byte)'X':
                return Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
            case 0x8c or (byte)'U': // SHORT_BINUNICODE, and Python 2's SHORT_BINSTRING
                return Push(Text(Take(1)[0]));
            default:
                return false;
        }
    }

    private bool Collection(byte code)
    {
        switch (code)
        {
            case (byte)'(':
                _marks.Add(_stack.Count);
                return true;
            case (byte)')':
                return Push(Array.Empty<object?>());
            case 0x85 or 0x86 or 0x87: // TUPLE1, 2, 3
                return Push(Pop(code - 0x84));
            case (byte)'t':
                return Push(PopToMark());
            case (byte)']':
                return Push(new List<object?>());
            case (byte)'a':
                object? item = Pop();
                Top<List<object?>>().Add(item);
                return true;
            case (byte)'e':
                object?[] items = PopToMark();
                Top<List<object?>>().AddRange(items);
                return true;
            case (byte)'}':
                return Push(new PickleDictionary());
            case (byte)'s':
                return AddEntries(Pop(2));
            case (byte)'u':
                return AddEntries(PopToMark());
            default:
                return false;
        }
    }

    private bool Memory(byte code)
    {
        switch (code)
        {
            case (byte)'q':
                return Keep(Take(1)[0]);
            case (byte)'r':
                return Keep(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
            case 0x94: // MEMOIZE
                return Keep(_memo.Count);
            case (byte)'h':
                return Recall(Take(1)[0]);
            case (byte)'j':
                return Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
            default:
                return false;
        }
    }

    private bool Object(byte code)
    {
        switch (code)
        {
            case (byte)'c':
                return Push(Global(Line(), Line()));
            case 0x93: // STACK_GLOBAL
                return Push(Pop(2) is [string module, string name]
                    ? Global(module, name)
                    : throw Damaged("a name is not a string"));
            case (byte)'Q':
                return Push(Storage(Pop()));
            case (byte)'R':
                object?[] arguments = Pop() as object?[] ?? throw Damaged("a call has no arguments");
                return Push(Make(Pop() as PickleGlobal, arguments));
            case (byte)'b': // BUILD: attributes such as a state dictionary's _metadata, which contain no weights
                Pop();
                Top<PickleDictionary>();
                return true;
            default:
                return false;
        }
    }

    private readonly PickleGlobal Global(string module, string name) =>
        Globals.Contains($"{module}.{name}")
            ? new($"{module}.{name}")
            : throw new AtelierException(
                $"it asks for {Short(module)}.{Short(name)}, which tensors do not need: nothing was run", path,
                "save only the weights: torch.save(model.state_dict(), path)");

    private readonly object? Make(PickleGlobal? function, object?[] arguments) => (function?.Name, arguments) switch
    {
        ("collections.OrderedDict", []) => new PickleDictionary(),
        ("collections.OrderedDict", [List<object?> pairs]) => Pairs(pairs), // as written by Python 2
        ("torch.Size", [object?[] sizes]) => sizes,
        // storage, offset, size, stride, requires_grad, hooks
        ("torch._utils._rebuild_tensor_v2",
            [PickleStorage storage, long offset, object?[] shape, object?[] strides, _, _, ..]) =>
            View(storage, offset, shape, strides),
        ("torch._utils._rebuild_parameter", [PickleTensor tensor, _, _]) => tensor,
        _ => throw Damaged($"a call of {function?.Name ?? "no function"} has other arguments than a tensor's"),
    };

    private readonly PickleDictionary Pairs(List<object?> pairs)
    {
        var dictionary = new PickleDictionary();
        foreach (object? pair in pairs)
        {
            if (pair is not (List<object?> or object?[]) || (pair as IList<object?>) is not [var key, var value])
                throw Damaged("a dictionary entry is not a pair");
            dictionary.Entries.Add((key, value));
        }
        return dictionary;
    }

    /// <summary>
    /// Reads a reference to a storage: ("storage", type, key, device, number of elements), in the old format followed
    /// by a view, which must be None.
    /// </summary>
    private readonly PickleStorage Storage(object? name)
    {
        if (name is not object?[] parts
            || parts is not (["storage", PickleGlobal, string, _, >= 0L]
                or ["storage", PickleGlobal, string, _, >= 0L, null])
            || !StorageTypes.TryGetValue(((PickleGlobal)parts[1]!).Name, out SafetensorsType type))
        {
            throw Damaged("it refers to something that is not a storage");
        }
        var storage = new PickleStorage(type, (string)parts[2]!, (long)parts[4]!);
        return _storages.TryAdd(storage.Key, storage) || _storages[storage.Key] == storage ? storage
            : throw Damaged($"the storage {Short(storage.Key)} is described in two ways");
    }

    private readonly PickleTensor View(PickleStorage storage, long offset, object?[] shape, object?[] strides)
    {
        if (shape.Length != strides.Length || offset < 0 || offset > storage.Count
            || !Array.TrueForAll(shape, s => s is >= 0L) || !Array.TrueForAll(strides, s => s is >= 0L))
            throw Damaged("a tensor has impossible dimensions");
        long[] sizes = [.. shape.Cast<long>()], steps = [.. strides.Cast<long>()];
        Int128 count = 1, last = offset;
        for (int i = 0; i < sizes.Length && count <= storage.Count; i++)
        {
            count *= sizes[i];
            last += (Int128)Math.Max(0, sizes[i] - 1) * steps[i];
        }
        return count <= storage.Count && (count == 0 || last < storage.Count)
            ? new PickleTensor(storage, offset, sizes, steps)
            : throw Damaged("a tensor exceeds its storage");
    }

    private readonly bool AddEntries(object?[] pairs)
    {
        PickleDictionary target = Top<PickleDictionary>();
        if (pairs.Length % 2 != 0)
            throw Damaged("a dictionary has a key without a value");
        for (int i = 0; i < pairs.Length; i += 2)
            target.Entries.Add((pairs[i], pairs[i + 1]));
        return true;
    }

    private readonly bool Keep(long key)
    {
        _memo[key] = _stack.Count > 0 ? _stack[^1] : throw Damaged("it stores a value that is missing");
        return true;
    }

    private readonly bool Recall(long key) =>
        Push(_memo.TryGetValue(key, out object? value) ? value : throw Damaged("it loads a value that is missing"));

    private readonly bool Push(object? value)
    {
        _stack.Add(value);
        return true;
    }

    private readonly object? Pop() => Pop(1)[0];

    private readonly object?[] Pop(int count)
    {
        int floor = _marks.Count > 0 ? _marks[^1] : 0;
        if (_stack.Count - count < floor)
            throw Damaged("it pops more values than there are");
        object?[] values = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private readonly object?[] PopToMark()
    {
        if (_marks.Count == 0)
            throw Damaged("a mark is missing");
        object?[] values = Pop(_stack.Count - _marks[^1]);
        _marks.RemoveAt(_marks.Count - 1);
        return values;
    }

    private readonly T Top<T>() =>
        _stack.Count > 0 && _stack[^1] is T top ? top
        : throw Damaged($"a {(typeof(T) == typeof(PickleDictionary) ? "dictionary" : "list")} is missing");

    private string Text(long length)
    {
        ReadOnlySpan<byte> text = Take(length);
        return Encoding.UTF8.GetString(text);
    }

    private string Line()
    {
        int length = _bytes[Position..].IndexOf((byte)'\n');
        if (length < 0)
            throw Damaged("it is truncated");
        string line = Text(length);
        Position++;
        return line;
    }

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count > _bytes.Length - Position)
            throw Damaged("it is truncated");
        ReadOnlySpan<byte> taken = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    private static string Short(string text) => text.Length > 80 ? text[..80] + "…" : text;

    private readonly AtelierException Damaged(string what) => PyTorchFile.Damaged(path, what);
}
