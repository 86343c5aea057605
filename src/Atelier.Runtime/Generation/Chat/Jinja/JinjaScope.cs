namespace Atelier.Generation.Chat.Jinja;

/// <summary>Variables where a template stands: those of a loop's turn over those around it.</summary>
internal sealed class JinjaScope
{
    // A template comes from a stranger: it may not go on for ever, nor fill the memory.
    private const long MostWork = 1 << 26;
    private readonly JinjaScope? _outer;
    private readonly Dictionary<string, object?> _values;
    private readonly long[] _work;

    public JinjaScope(Dictionary<string, object?> values) => (_values, _work) = (values, [0]);

    public JinjaScope(JinjaScope outer) => (_outer, _values, _work) = (outer, [], outer._work);

    public object? this[string name]
    {
        get => _values.TryGetValue(name, out object? value) ? value : _outer is null ? JinjaValues.Undefined
            : _outer[name];
        set => _values[name] = value;
    }

    /// <summary>Gives a value back, and counts what making it took: characters of a text, items of a list.</summary>
    /// <exception cref="JinjaException">The template does too much.</exception>
    public object? Made(object? value)
    {
        Spend(value switch { string text => text.Length, List<object?> list => list.Count, _ => 0 });
        return value;
    }

    /// <summary>Counts work that is to be done.</summary>
    /// <exception cref="JinjaException">The template does too much.</exception>
    public void Spend(long work)
    {
        _work[0] += 100 + work;
        if (_work[0] > MostWork)
            throw new JinjaException("it does too much");
    }
}
