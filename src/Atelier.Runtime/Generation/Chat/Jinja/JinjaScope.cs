namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// The variables at a place of a template. Those of a loop's iteration hide those of the scope around it.
/// </summary>
internal sealed class JinjaScope
{
    // Templates are untrusted: the limit keeps them from running forever or filling the memory.
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

    /// <summary>
    /// Returns a computed value and counts its size as work: the characters of a text or the items of a list.
    /// </summary>
    /// <exception cref="JinjaException">The template exceeds the limit of work.</exception>
    public object? Made(object? value)
    {
        Spend(value switch { string text => text.Length, List<object?> list => list.Count, _ => 0 });
        return value;
    }

    /// <summary>Counts work before it is done.</summary>
    /// <exception cref="JinjaException">The template exceeds the limit of work.</exception>
    public void Spend(long work)
    {
        _work[0] += 100 + work;
        if (_work[0] > MostWork)
            throw new JinjaException("it does too much");
    }
}
