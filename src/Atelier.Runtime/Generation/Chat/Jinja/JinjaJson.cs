using System.Globalization;
using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// Writes values as JSON as Hugging Face's filter tojson does: Python's json.dumps, by default without escapes of
/// characters beyond ASCII.
/// </summary>
internal sealed class JinjaJson
{
    private readonly JinjaRun _run;
    private readonly StringBuilder _text = new();
    private readonly bool _isAscii;
    private readonly bool _isSorted;
    private readonly string? _indent;
    private readonly string _comma, _colon;

    private JinjaJson(JinjaRun run, JinjaArguments given)
    {
        _run = run;
        _isAscii = given.Flag(0, "ensure_ascii");
        _indent = given.Has(1, "indent") && given[1, "indent"] is { } indent ? Indent(indent) : null;
        _isSorted = given.Flag(3, "sort_keys");
        (_comma, _colon) = (_indent is null ? ", " : ",", ": ");
        if (given.Has(2, "separators") && given[2, "separators"] is { } separators)
            (_comma, _colon) = separators is List<object?> and [string comma, string colon] ? (comma, colon)
                : throw new JinjaException("the argument 'separators' must be two strings");
    }

    /// <summary>Writes a value.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="value">The value.</param>
    /// <param name="given">The arguments ensure_ascii, indent, separators and sort_keys.</param>
    /// <exception cref="JinjaException">A value has no form in JSON, such as an undefined one.</exception>
    public static string Write(JinjaRun run, object? value, JinjaArguments given)
    {
        var json = new JinjaJson(run, given);
        json.Add(value, "\n");
        return run.Made(json._text.ToString());
    }

    private static string Indent(object indent) => indent switch
    {
        string text => text,
        long and <= 100 and var width => new string(' ', (int)Math.Max(0, width)),
        bool isOne => isOne ? " " : "",
        _ => throw new JinjaException("the argument 'indent' must be a whole number up to 100 or a string"),
    };

    private void Add(object? value, string line)
    {
        _run.Enter();
        switch (value)
        {
            case null:
                _text.Append("null");
                break;
            case bool known:
                _text.Append(known ? "true" : "false");
                break;
            case long number:
                _text.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                _text.Append(double.IsNaN(number) ? "NaN" : double.IsInfinity(number)
                    ? number > 0 ? "Infinity" : "-Infinity" : JinjaValues.Number(number));
                break;
            case string said:
                Quote(said);
                break;
            case List<object?> list:
                Add('[', ']', list, line, (item, inner) => Add(item, inner));
                break;
            case JinjaMap map:
                IEnumerable<KeyValuePair<object, object?>> items = _isSorted
                    ? JinjaListFilters.Sorted(_run, map.Items, false, item => item.Key)
                    : map.Items;
                Add('{', '}', [.. items], line, (item, inner) =>
                {
                    Quote(item.Key as string ?? Write(_run, item.Key, new JinjaArguments()));
                    _text.Append(_colon);
                    Add(item.Value, inner);
                });
                break;
            default:
                throw new JinjaException($"{JinjaValues.Kind(value)} cannot be written as JSON");
        }
        _run.Leave();
    }

    private void Add<T>(char open, char close, List<T> items, string line, Action<T, string> add)
    {
        _text.Append(open);
        string inner = _indent is null ? "" : line + _indent;
        for (int i = 0; i < items.Count; i++)
        {
            _run.Make(inner.Length + _comma.Length + 2);
            _text.Append(i > 0 ? _comma : "").Append(inner);
            add(items[i], inner);
        }
        _text.Append(_indent is null || items.Count == 0 ? "" : line).Append(close);
    }

    private void Quote(string said)
    {
        _run.Make(said.Length);
        _text.Append('"');
        foreach (char c in said)
        {
            string? escape = c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\f' => "\\f",
                '\b' => "\\b",
                _ => c < ' ' || (_isAscii && c > '~') ? "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture)
                    : null,
            };
            if (escape is null)
                _text.Append(c);
            else
                _text.Append(escape);
        }
        _text.Append('"');
    }
}
