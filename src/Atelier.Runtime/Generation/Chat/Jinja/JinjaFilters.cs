namespace Atelier.Generation.Chat.Jinja;

/// <summary>The filters of Jinja, as in "value | trim".</summary>
internal static class JinjaFilters
{
    /// <summary>Computes a filter's result from the rendering, the value and the arguments.</summary>
    private delegate object? Filter(JinjaRun run, object? value, JinjaArguments given);

    private static readonly Dictionary<string, Filter> All = new()
    {
        ["abs"] = Absolute,
        ["attr"] = (run, value, given) => value is JinjaMap // its keys are items, not attributes
            ? JinjaMethods.Find(value, given.Text(0, "name")) ?? JinjaValues.Undefined
            : JinjaValues.Member(run, value, given.Text(0, "name"), isAttribute: true),
        ["batch"] = JinjaListFilters.Batch,
        ["capitalize"] = (run, value, _) => run.Made(JinjaTextMethods.Capitalized(JinjaValues.Text(run, value))),
        ["center"] = JinjaTextFilters.Center,
        ["count"] = (run, value, _) => JinjaValues.Length(run, value),
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = JinjaListFilters.SortMap,
        ["e"] = JinjaTextFilters.Escape,
        ["escape"] = JinjaTextFilters.Escape,
        ["first"] = (run, value, _) => JinjaValues.Items(run, value) is [var first, ..] ? first : JinjaValues.Undefined,
        ["float"] = (_, value, given) => JinjaNumbers.Real(value) ?? (given.Has(0, "default")
            ? given[0, "default"] : 0.0),
        ["forceescape"] = JinjaTextFilters.Escape,
        ["format"] = (run, value, given) =>
            JinjaFormatting.Insert(run, JinjaValues.Text(run, value), given.Positional),
        ["groupby"] = JinjaListFilters.Group,
        ["indent"] = JinjaTextFilters.Indent,
        ["int"] = Whole,
        ["items"] = (run, value, _) => value == JinjaValues.Undefined ? new List<object?>()
            : value is JinjaMap map ? JinjaMethods.Items(run, map)
            : throw new JinjaException($"items needs a dictionary, and found {JinjaValues.Kind(value)}"),
        ["join"] = JinjaTextFilters.Join,
        ["last"] = (run, value, _) => JinjaValues.Items(run, value) is [.., var last] ? last : JinjaValues.Undefined,
        ["length"] = (run, value, _) => JinjaValues.Length(run, value),
        ["list"] = (run, value, _) => run.Made([.. JinjaValues.Items(run, value)]),
        ["lower"] = (run, value, _) => run.Made(JinjaValues.Text(run, value).ToLowerInvariant()),
        ["map"] = JinjaListFilters.Map,
        ["max"] = (run, value, given) => JinjaListFilters.Extreme(run, value, given, sign: 1),
        ["min"] = (run, value, given) => JinjaListFilters.Extreme(run, value, given, sign: -1),
        ["reject"] = (run, value, given) => JinjaListFilters.Select(run, value, given, false, isAttribute: false),
        ["rejectattr"] = (run, value, given) => JinjaListFilters.Select(run, value, given, false, isAttribute: true),
        ["replace"] = (run, value, given) => JinjaTextMethods.Replace(run, JinjaValues.Text(run, value),
            JinjaValues.Text(run, given[0, "old"]), JinjaValues.Text(run, given[1, "new"]),
            given[2, "count"] is null ? -1 : given.Whole(2, "count", -1)),
        ["reverse"] = Reverse,
        ["round"] = Round,
        ["safe"] = (run, value, _) => JinjaValues.Text(run, value),
        ["select"] = (run, value, given) => JinjaListFilters.Select(run, value, given, true, isAttribute: false),
        ["selectattr"] = (run, value, given) => JinjaListFilters.Select(run, value, given, true, isAttribute: true),
        ["slice"] = JinjaListFilters.Slice,
        ["sort"] = JinjaListFilters.Sort,
        ["string"] = (run, value, _) => JinjaValues.Text(run, value),
        ["sum"] = JinjaListFilters.Sum,
        ["title"] = JinjaTextFilters.Title,
        ["tojson"] = (run, value, given) => JinjaJson.Write(run, value, given),
        ["trim"] = (run, value, given) => run.Made(JinjaTextMethods.Strip(JinjaValues.Text(run, value),
            given.Has(0, "chars") && given[0, "chars"] is not null ? given.Text(0, "chars") : null, true, true)),
        ["truncate"] = JinjaTextFilters.Truncate,
        ["unique"] = JinjaListFilters.Unique,
        ["upper"] = (run, value, _) => run.Made(JinjaTextMethods.Upper(JinjaValues.Text(run, value))),
        ["urlencode"] = JinjaTextFilters.UrlEncode,
        ["wordcount"] = JinjaTextFilters.CountWords,
    };

    /// <summary>Returns whether there is a filter of a name.</summary>
    public static bool Exists(string name) => All.ContainsKey(name);

    /// <summary>Applies a filter to a value.</summary>
    /// <exception cref="JinjaException">There is no such filter, or it does not apply to the value.</exception>
    public static object? Apply(JinjaRun run, string name, object? value, JinjaArguments given) =>
        All.TryGetValue(name, out Filter? filter) ? filter(run, value, given)
            : throw new JinjaException($"the filter '{name}' is not supported");

    private static object? Default(JinjaRun run, object? value, JinjaArguments given) =>
        value == JinjaValues.Undefined || (given.Flag(1, "boolean") && !JinjaValues.IsTrue(value))
            ? given.Has(0, "default_value") ? given[0, "default_value"] : ""
            : value;

    private static object? Absolute(JinjaRun run, object? value, JinjaArguments given) => value switch
    {
        double number => Math.Abs(number),
        long number => number < 0 ? JinjaArithmetic.Calculate(run, "-", 0L, number) : number,
        bool known => known ? 1L : 0L,
        _ => throw new JinjaException($"abs needs a number, and found {JinjaValues.Kind(value)}"),
    };

    private static object? Whole(JinjaRun run, object? value, JinjaArguments given)
    {
        long numberBase = value is string ? Math.Clamp(given.Whole(1, "base", 10), 0, 99) : 10;
        // A text such as "3.7" is read as a number first.
        return JinjaNumbers.Whole(value, (int)numberBase) ?? JinjaNumbers.Whole(JinjaNumbers.Real(value))
            ?? (given.Has(0, "default") ? given[0, "default"] : 0L);
    }

    private static object? Reverse(JinjaRun run, object? value, JinjaArguments given)
    {
        List<object?> items = [.. JinjaValues.Items(run, value)];
        items.Reverse();
        return value is string ? run.Made(string.Concat(items.Cast<string>())) : run.Made(items);
    }

    private static object? Round(JinjaRun run, object? value, JinjaArguments given)
    {
        long precision = Math.Clamp(given.Whole(0, "precision", 0), -400, 400);
        string method = given.Has(1, "method") ? given.Text(1, "method") : "common";
        if (JinjaComparer.Number(value) is not double number)
            throw new JinjaException($"round needs a number, and found {JinjaValues.Kind(value)}");
        double unit = Math.Pow(10, precision);
        return method switch
        {
            "ceil" => Math.Ceiling(number * unit) / unit,
            "floor" => Math.Floor(number * unit) / unit,
            "common" when value is double => JinjaNumbers.Round(number, (int)precision),
            "common" => precision >= 0 ? JinjaNumbers.Whole(value)
                : JinjaNumbers.Whole(JinjaNumbers.Round(number, (int)precision)),
            _ => throw new JinjaException("the method of round is common, ceil or floor"),
        };
    }
}
