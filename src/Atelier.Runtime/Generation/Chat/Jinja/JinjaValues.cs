using System.Globalization;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// Evaluates the operators, filters, tests and methods of Jinja and of Python's types. Values are strings, integers,
/// booleans, null, lists and dictionaries.
/// </summary>
internal static class JinjaValues
{
    /// <summary>The value of an undefined name.</summary>
    public static readonly object Undefined = new();

    public static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool known => known,
        long number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        Dictionary<string, object?> map => map.Count > 0,
        _ => value != Undefined,
    };

    public static string Text(object? value) => value switch
    {
        string text => text,
        null => "None",
        true => "True",
        false => "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ when value == Undefined => "",
        _ => throw new JinjaException("a list or a dictionary cannot be written as text"),
    };

    public static object? Item(object? value, object? key) => (value, key) switch
    {
        (Dictionary<string, object?> map, string name) => map.TryGetValue(name, out object? found) ? found : Undefined,
        (List<object?> list, long index) => Place(index, list.Count) is int at ? list[at] : Undefined,
        (string text, long index) => Place(index, text.Length) is int at ? text[at].ToString() : Undefined,
        _ when value == Undefined => throw new JinjaException("an undefined value is accessed"),
        _ => Undefined,
    };

    public static object? Slice(object? value, long? from, long? to)
    {
        int length = value switch
        {
            List<object?> list => list.Count,
            string text => text.Length,
            _ => throw new JinjaException("only lists can be sliced"),
        };
        int start = Bound(from ?? 0), end = Math.Max(start, Bound(to ?? length));
        return value is string whole ? whole[start..end] : ((List<object?>)value)[start..end];

        int Bound(long at) => (int)Math.Clamp(at < 0 ? at + length : at, 0, length);
    }

    public static object? Add(object? a, object? b) => (a, b) switch
    {
        (string x, string y) => x + y,
        (long x, long y) => unchecked(x + y),
        (List<object?> x, List<object?> y) => (List<object?>)[.. x, .. y],
        _ => throw new JinjaException("these values cannot be added"),
    };

    public static object? Calculate(string op, object? a, object? b) => (op, a, b) switch
    {
        ("-", long x, long y) => x - y,
        ("*", long x, long y) => unchecked(x * y),
        ("%", long x, > 0L and long y) => ((x % y) + y) % y,
        ("//", long x, > 0L and long y) => x % y < 0 ? (x / y) - 1 : x / y, // rounds down, as Python does
        _ => throw new JinjaException($"the operator {op} is not supported for these values"),
    };

    public static bool Compare(string op, object? a, object? b) => op switch
    {
        "==" => AreEqual(a, b),
        "!=" => !AreEqual(a, b),
        "in" => Contains(b, a),
        "not in" => !Contains(b, a),
        _ when (a, b) is (long x, long y) => op switch { "<" => x < y, ">" => x > y, "<=" => x <= y, _ => x >= y },
        _ => throw new JinjaException($"the operator {op} is not supported for these values"),
    };

    public static bool Test(string name, object? value) => name switch
    {
        "defined" => value != Undefined,
        "undefined" => value == Undefined,
        "none" => value is null,
        "string" => value is string,
        "number" or "integer" => value is long,
        "boolean" => value is bool,
        "true" => value is true,
        "false" => value is false,
        "mapping" => value is Dictionary<string, object?>,
        "sequence" or "iterable" => value is string or List<object?> or Dictionary<string, object?>,
        _ => throw new JinjaException($"the test {name} is not supported"),
    };

    public static object? Filter(string name, object? value, IReadOnlyList<object?> arguments) =>
        (name, value, arguments) switch
    {
        ("default" or "d", _, [var otherwise]) => value == Undefined ? otherwise : value,
        ("default" or "d", _, [var otherwise, true]) => IsTrue(value) ? value : otherwise,
        ("length" or "count", List<object?> list, []) => (long)list.Count,
        ("length" or "count", string text, []) => (long)text.EnumerateRunes().Count(),
        ("first", List<object?> list, []) => list.Count > 0 ? list[0] : Undefined,
        ("last", List<object?> list, []) => list.Count > 0 ? list[^1] : Undefined,
        ("list", List<object?>, []) => value,
        ("safe" or "string", string, []) => value,
        ("join", List<object?> list, [string between]) => string.Join(between, list.Select(Text)),
        ("trim" or "upper" or "lower" or "capitalize", string text, []) => Method(text, name, arguments),
        _ => throw new JinjaException($"the filter {name} is not supported for such a value"),
    };

    public static object? Method(object? value, string name, IReadOnlyList<object?> arguments) =>
        (value, name, arguments) switch
    {
        (string text, "strip" or "trim", []) => text.Trim(),
        (string text, "lstrip", []) => text.TrimStart(),
        (string text, "rstrip", []) => text.TrimEnd(),
        (string text, "upper", []) => text.ToUpperInvariant(),
        (string text, "lower", []) => text.ToLowerInvariant(),
        (string text, "capitalize", []) =>
            text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant(),
        (string text, "startswith", [string part]) => text.StartsWith(part, StringComparison.Ordinal),
        (string text, "endswith", [string part]) => text.EndsWith(part, StringComparison.Ordinal),
        (string text, "replace", [string old, string other]) when old.Length > 0 && other.Length <= 2 * old.Length =>
            text.Replace(old, other, StringComparison.Ordinal),
        (string text, "split", [string between]) when between.Length > 0 =>
            text.Split(between).Select(part => (object?)part).ToList(),
        (string text, "strip", [string set]) => text.Trim([.. set]),
        (string text, "lstrip", [string set]) => text.TrimStart([.. set]),
        (string text, "rstrip", [string set]) => text.TrimEnd([.. set]),
        (Dictionary<string, object?> map, "get", [string key]) => map.GetValueOrDefault(key),
        (Dictionary<string, object?> map, "get", [string key, var otherwise]) =>
            map.TryGetValue(key, out object? found) ? found : otherwise,
        _ => throw new JinjaException($"the method {name} is not supported for such a value"),
    };

    private static bool AreEqual(object? a, object? b) => (a, b) switch
    {
        (List<object?> x, List<object?> y) =>
            x.Count == y.Count && x.Zip(y).All(pair => AreEqual(pair.First, pair.Second)),
        (Dictionary<string, object?>, Dictionary<string, object?>) =>
            throw new JinjaException("dictionaries cannot be compared"),
        (bool x, long y) => (x ? 1 : 0) == y, // as in Python
        (long x, bool y) => x == (y ? 1 : 0),
        _ => Equals(a, b),
    };

    private static bool Contains(object? whole, object? part) => (whole, part) switch
    {
        (string text, string piece) => text.Contains(piece, StringComparison.Ordinal),
        (List<object?> list, _) => list.Exists(item => AreEqual(item, part)),
        (Dictionary<string, object?> map, string key) => map.ContainsKey(key),
        _ => throw new JinjaException("the operator in is not supported for these values"),
    };

    private static int? Place(long index, int length) =>
        (index < 0 ? index + length : index) is >= 0 and long at && at < length ? (int)at : null;
}
