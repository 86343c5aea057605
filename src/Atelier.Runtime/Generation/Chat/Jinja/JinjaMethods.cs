namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// The methods of values, which are those of Python that only compute: methods that change a list or a dictionary are
/// refused, as in the sandbox of Hugging Face's tools.
/// </summary>
internal static class JinjaMethods
{
    /// <summary>Returns a method of a value; null if the value has no method of that name.</summary>
    public static JinjaFunction? Find(object? value, string name) => value switch
    {
        string text => JinjaTextMethods.Find(text, name),
        List<object?> list => Find(list, name),
        JinjaMap map => Find(map, name),
        _ => null,
    };

    private static JinjaFunction? Find(List<object?> list, string name) => name switch
    {
        "index" => (run, given) =>
        {
            run.Step(list.Count / 8);
            int at = list.FindIndex(item => JinjaComparer.AreEqual(run, item, given[0, "value"]));
            return at >= 0 ? (long)at : throw new JinjaException("the list does not contain the value");
        },
        "count" => (run, given) =>
        {
            run.Step(list.Count / 8);
            return (long)list.Count(item => JinjaComparer.AreEqual(run, item, given[0, "value"]));
        },
        "copy" => (run, _) => run.Made([.. list]),
        "append" or "clear" or "extend" or "insert" or "pop" or "remove" or "reverse" or "sort"
            when list is not JinjaTuple => Refuse("list", name),
        _ => null,
    };

    private static JinjaFunction? Find(JinjaMap map, string name) => name switch
    {
        "get" => (_, given) => given[0, "key"] is object key && map.Has(key) ? map[key]
            : given.Has(1, "default") ? given[1, "default"] : null,
        "items" => (run, _) => Items(run, map),
        "keys" => (run, _) => run.Made([.. map.Keys]),
        "values" => (run, _) => run.Made([.. map.Values]),
        "copy" => (run, _) => Copy(run, map),
        "clear" or "pop" or "popitem" or "setdefault" or "update" => Refuse("dictionary", name),
        _ => null,
    };

    /// <summary>Returns the keys and values of a dictionary as tuples.</summary>
    public static List<object?> Items(JinjaRun run, JinjaMap map) =>
        run.Made([.. map.Items.Select(item => new JinjaTuple([item.Key, item.Value]))]);

    private static JinjaMap Copy(JinjaRun run, JinjaMap map)
    {
        run.Step(map.Count);
        var copy = new JinjaMap();
        foreach ((object key, object? value) in map.Items)
            copy[key] = value;
        return copy;
    }

    private static JinjaFunction Refuse(string kind, string name) => (_, _) =>
        throw new JinjaException($"'{name}' would change a {kind}, which a template must not do");
}
