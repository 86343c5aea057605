namespace Atelier.Generation.Chat.Jinja;

/// <summary>A function, a method or a macro.</summary>
internal delegate object? JinjaFunction(JinjaRun run, JinjaArguments arguments);

/// <summary>The evaluated arguments of a call.</summary>
internal sealed class JinjaArguments
{
    /// <summary>The arguments without names.</summary>
    public List<object?> Positional { get; } = [];

    /// <summary>The arguments with names.</summary>
    public Dictionary<string, object?> Named { get; } = [];

    /// <summary>The number of arguments.</summary>
    public int Count => Positional.Count + Named.Count;

    /// <summary>Returns an argument by its position or name; undefined if there is none.</summary>
    public object? this[int at, string name] =>
        at < Positional.Count ? Positional[at] : Named.TryGetValue(name, out object? value) ? value
            : JinjaValues.Undefined;

    /// <summary>Returns whether an argument is given.</summary>
    public bool Has(int at, string name) => at < Positional.Count || Named.ContainsKey(name);

    /// <summary>Returns an argument that is a string.</summary>
    /// <exception cref="JinjaException">It is missing or another value.</exception>
    public string Text(int at, string name) => this[at, name] as string
        ?? throw new JinjaException($"the argument '{name}' must be a string");

    /// <summary>Returns an argument that is a whole number, or a value if it is not given.</summary>
    /// <exception cref="JinjaException">It is another value.</exception>
    public long Whole(int at, string name, long otherwise) => !Has(at, name) ? otherwise : this[at, name] switch
    {
        long number => number,
        bool known => known ? 1 : 0,
        _ => throw new JinjaException($"the argument '{name}' must be a whole number"),
    };

    /// <summary>Returns whether an argument is true; a value if it is not given.</summary>
    public bool Flag(int at, string name, bool otherwise = false) =>
        Has(at, name) ? JinjaValues.IsTrue(this[at, name]) : otherwise;
}

/// <summary>A tuple, which is a list with another look.</summary>
internal sealed class JinjaTuple : List<object?>
{
    public JinjaTuple()
    {
    }

    public JinjaTuple(IEnumerable<object?> items) : base(items)
    {
    }
}

/// <summary>A dictionary, in the order of insertion. Its keys are strings, whole numbers and booleans.</summary>
internal sealed class JinjaMap
{
    private readonly OrderedDictionary<object, object?> _items = [];

    public int Count => _items.Count;

    public IEnumerable<object> Keys => _items.Keys;

    public IEnumerable<object?> Values => _items.Values;

    public IEnumerable<KeyValuePair<object, object?>> Items => _items;

    public object? this[object key]
    {
        get => _items.TryGetValue(key, out object? value) ? value : JinjaValues.Undefined;
        set => _items[key] = value;
    }

    public bool Has(object? key) => key is string or long or bool && _items.ContainsKey(key);

    /// <summary>Returns a value as a key.</summary>
    /// <exception cref="JinjaException">It cannot be a key.</exception>
    public static object Key(object? value) => value is string or long or bool ? value
        : throw new JinjaException("the keys of a dictionary must be strings or whole numbers");
}

/// <summary>A namespace, whose attributes can be set.</summary>
internal sealed class JinjaSpace
{
    public Dictionary<string, object?> Values { get; } = [];
}

/// <summary>The variable loop.</summary>
/// <param name="items">The items of the loop.</param>
internal sealed class JinjaLoop(List<object?> items)
{
    private object? _changed = JinjaValues.Undefined;

    public int At { get; set; }

    public object? Member(JinjaRun run, string name) => name switch
    {
        "index" => At + 1L,
        "index0" => (long)At,
        "revindex" => (long)items.Count - At,
        "revindex0" => items.Count - At - 1L,
        "first" => At == 0,
        "last" => At == items.Count - 1,
        "length" => (long)items.Count,
        "depth" => 1L,
        "depth0" => 0L,
        "previtem" => At > 0 ? items[At - 1] : JinjaValues.Undefined,
        "nextitem" => At + 1 < items.Count ? items[At + 1] : JinjaValues.Undefined,
        "cycle" => (JinjaFunction)((_, arguments) => arguments.Positional.Count == 0
            ? throw new JinjaException("loop.cycle needs values")
            : arguments.Positional[At % arguments.Positional.Count]),
        "changed" => (JinjaFunction)((_, arguments) =>
        {
            var value = new JinjaTuple(arguments.Positional);
            bool isChanged = !JinjaComparer.AreEqual(run, _changed, value);
            _changed = value;
            return isChanged;
        }),
        _ => JinjaValues.Undefined,
    };
}
