namespace Atelier.Generation.Chat.Jinja;

/// <summary>The functions of templates: Jinja's own, and those that Hugging Face's tools add.</summary>
internal static class JinjaFunctions
{
    private const long LongestRange = 100_000; // that of Jinja's sandbox

    /// <summary>Adds the functions to the variables of a template.</summary>
    public static void AddTo(JinjaScope globals)
    {
        globals["raise_exception"] = (JinjaFunction)((run, given) =>
            throw new JinjaException(JinjaValues.Text(run, given[0, "message"]), isRaised: true));
        globals["strftime_now"] = (JinjaFunction)((run, given) =>
        {
            string form = given.Text(0, "format");
            run.Step(form.Length);
            return run.Made(JinjaTime.Format(run.Clock.GetLocalNow(), form));
        });
        globals["range"] = (JinjaFunction)Range;
        globals["namespace"] = (JinjaFunction)Namespace;
        globals["dict"] = (JinjaFunction)Dictionary;
        globals["joiner"] = (JinjaFunction)Joiner;
    }

    private static List<object?> Range(JinjaRun run, JinjaArguments given)
    {
        bool hasStart = given.Positional.Count > 1;
        long start = hasStart ? given.Whole(0, "start", 0) : 0, stop = given.Whole(hasStart ? 1 : 0, "stop", 0);
        long step = given.Whole(2, "step", 1);
        if (given.Positional.Count is 0 or > 3 || step == 0)
            throw new JinjaException("range needs one to three whole numbers, and a step other than zero");
        decimal span = step > 0 ? (decimal)stop - start : (decimal)start - stop;
        decimal count = span <= 0 ? 0 : Math.Ceiling(span / Math.Abs((decimal)step));
        if (count > LongestRange)
            throw new JinjaException($"a range has at most {LongestRange} numbers");
        run.Step((long)count);
        List<object?> numbers = [];
        for (long i = 0; i < count; i++)
            numbers.Add(start + (i * step));
        return numbers;
    }

    private static JinjaSpace Namespace(JinjaRun run, JinjaArguments given)
    {
        var space = new JinjaSpace();
        foreach ((object key, object? value) in Dictionary(run, given).Items)
            space.Values[JinjaValues.Text(run, key)] = value;
        return space;
    }

    private static JinjaMap Dictionary(JinjaRun run, JinjaArguments given)
    {
        var map = new JinjaMap();
        if (given.Positional.Count > 0)
        {
            List<object?> items = given.Positional[0] is JinjaMap other ? JinjaMethods.Items(run, other)
                : JinjaValues.Items(run, given.Positional[0]);
            foreach (object? item in items)
            {
                if (item is not List<object?> { Count: 2 } pair)
                    throw new JinjaException("a dictionary is made of pairs");
                map[JinjaMap.Key(pair[0])] = pair[1];
            }
        }
        foreach ((string name, object? value) in given.Named)
            map[name] = value;
        return map;
    }

    private static JinjaFunction Joiner(JinjaRun run, JinjaArguments given)
    {
        string separator = given.Has(0, "sep") ? given.Text(0, "sep") : ", ";
        bool isFirst = true;
        return (_, _) =>
        {
            (bool was, isFirst) = (isFirst, false);
            return was ? "" : separator;
        };
    }
}
