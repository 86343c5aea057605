using System.Globalization;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>The filters of Jinja that work on the items of lists and dictionaries.</summary>
internal static class JinjaListFilters
{
    public static object? Map(JinjaRun run, object? value, JinjaArguments given)
    {
        List<object?> items = JinjaValues.IsTrue(value) ? Items(run, value) : []; // none has no items
        if (given.Positional.Count == 0 && given.Named.TryGetValue("attribute", out object? attribute))
        {
            bool hasDefault = given.Named.TryGetValue("default", out object? otherwise);
            return run.Made([.. items.Select(item => Attribute(run, item, attribute) is var found
                && hasDefault && found == JinjaValues.Undefined ? otherwise : found)]);
        }
        string name = given.Text(0, "filter");
        return run.Made([.. items.Select(item => JinjaFilters.Apply(run, name, item, Rest(given, 1)))]);
    }

    public static object? Select(JinjaRun run, object? value, JinjaArguments given, bool keeps, bool isAttribute)
    {
        int at = isAttribute ? 1 : 0;
        string? test = given.Positional.Count > at ? given.Text(at, "test") : null;
        object? attribute = isAttribute ? given[0, "attribute"] : null;
        List<object?> items = JinjaValues.IsTrue(value) ? Items(run, value) : []; // none has no items
        return run.Made([.. items.Where(item =>
        {
            object? tested = isAttribute ? Attribute(run, item, attribute) : item;
            return keeps == (test is null ? JinjaValues.IsTrue(tested)
                : JinjaTests.Holds(run, test, tested, Rest(given, at + 1)));
        })]);
    }

    public static object? Sort(JinjaRun run, object? value, JinjaArguments given)
    {
        bool isExact = given.Flag(1, "case_sensitive");
        object? attribute = given.Has(2, "attribute") ? given[2, "attribute"] : null;
        return Sorted(run, Items(run, value), given.Flag(0, "reverse"), item => attribute is not string names
            ? Key(run, item, attribute, isExact)
            : new JinjaTuple(names.Split(',').Select(name => Key(run, item, name, isExact))));
    }

    public static object? SortMap(JinjaRun run, object? value, JinjaArguments given)
    {
        if (value is not JinjaMap map)
            throw new JinjaException($"dictsort needs a dictionary, and found {JinjaValues.Kind(value)}");
        bool isExact = given.Flag(0, "case_sensitive");
        string by = given.Has(1, "by") ? given.Text(1, "by") : "key";
        if (by is not ("key" or "value"))
            throw new JinjaException("dictsort sorts by key or by value");
        return Sorted(run, JinjaMethods.Items(run, map), given.Flag(2, "reverse"), item =>
            Folded(((JinjaTuple)item!)[by == "key" ? 0 : 1], isExact));
    }

    public static object? Unique(JinjaRun run, object? value, JinjaArguments given)
    {
        List<object?> keys = [], items = [];
        foreach (object? item in Items(run, value))
        {
            object? key = Key(run, item, given.Has(1, "attribute") ? given[1, "attribute"] : null,
                given.Flag(0, "case_sensitive"));
            run.Step(keys.Count / 8);
            if (keys.Exists(known => JinjaComparer.AreEqual(run, known, key)))
                continue;
            keys.Add(key);
            items.Add(item);
        }
        return items;
    }

    public static object? Extreme(JinjaRun run, object? value, JinjaArguments given, int sign)
    {
        object? best = JinjaValues.Undefined, bestKey = null;
        foreach (object? item in Items(run, value))
        {
            object? key = Key(run, item, given.Has(1, "attribute") ? given[1, "attribute"] : null,
                given.Flag(0, "case_sensitive"));
            if (best == JinjaValues.Undefined || JinjaComparer.Order(run, key, bestKey) * sign > 0)
                (best, bestKey) = (item, key);
        }
        return best;
    }

    public static object? Sum(JinjaRun run, object? value, JinjaArguments given)
    {
        object? attribute = given.Has(0, "attribute") ? given[0, "attribute"] : null;
        object? sum = given.Has(1, "start") ? given[1, "start"] : 0L;
        foreach (object? item in Items(run, value))
            sum = JinjaArithmetic.Calculate(run, "+", sum, attribute is null ? item : Attribute(run, item, attribute));
        return sum;
    }

    public static object? Group(JinjaRun run, object? value, JinjaArguments given)
    {
        bool isExact = given.Flag(2, "case_sensitive");
        object? attribute = given[0, "attribute"];
        List<object?> groups = [];
        foreach (object? item in Sorted(run, Items(run, value), false, item => Key(item, isExact)))
        {
            object? key = Key(item, isExact);
            if (groups is [.., JinjaTuple last] && JinjaComparer.AreEqual(run, Folded(last[0], isExact), key))
                ((List<object?>)last[1]!).Add(item);
            else
                groups.Add(new JinjaTuple([Key(item, true), new List<object?> { item }]));
        }
        return groups;

        object? Key(object? item, bool exact)
        {
            object? found = Attribute(run, item, attribute);
            bool isMissing = found == JinjaValues.Undefined && given.Has(1, "default");
            return Folded(isMissing ? given[1, "default"] : found, exact);
        }
    }

    public static object? Batch(JinjaRun run, object? value, JinjaArguments given)
    {
        int size = (int)Math.Clamp(given.Whole(0, "linecount", 0), 0, int.MaxValue);
        if (size == 0)
            throw new JinjaException("batch needs a whole number of items");
        List<object?> items = Items(run, value);
        List<List<object?>> batches = [.. items.Chunk(size).Select(part => new List<object?>(part))];
        if (batches.Count > 0 && given.Has(1, "fill_with") && given[1, "fill_with"] is { } fill)
        {
            int missing = size - batches[^1].Count;
            run.Step(missing);
            batches[^1].AddRange(Enumerable.Repeat<object?>(fill, missing));
        }
        return run.Made([.. batches]);
    }

    public static object? Slice(JinjaRun run, object? value, JinjaArguments given)
    {
        List<object?> items = Items(run, value);
        long count = given.Whole(0, "slices", 0);
        if (count is < 1 or > int.MaxValue)
            throw new JinjaException("slice needs a whole number of parts");
        run.Step(count);
        (int whole, int longer) = Math.DivRem(items.Count, (int)count);
        bool fills = given.Has(1, "fill_with") && given[1, "fill_with"] is not null;
        List<object?> parts = [];
        for (int i = 0, from = 0; i < count; i++)
        {
            List<object?> part = items.GetRange(from, whole + (i < longer ? 1 : 0));
            from += part.Count;
            if (fills && i >= longer)
                part.Add(given[1, "fill_with"]);
            parts.Add(part);
        }
        return parts;
    }

    /// <summary>Returns an attribute of a value by a path such as "function.name" or a position.</summary>
    public static object? Attribute(JinjaRun run, object? value, object? path)
    {
        if (path is not string names)
            return JinjaValues.Member(run, value, path, isAttribute: false);
        foreach (string name in names.Split('.'))
        {
            run.Step();
            if (value == JinjaValues.Undefined)
                throw new JinjaException($"a part of '{names}' is undefined");
            object key = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long at) ? at : name;
            value = JinjaValues.Member(run, value, key, isAttribute: false);
        }
        return value;
    }

    private static List<object?> Items(JinjaRun run, object? value)
    {
        List<object?> items = JinjaValues.Items(run, value);
        run.Step(items.Count);
        return items;
    }

    private static JinjaArguments Rest(JinjaArguments given, int from)
    {
        var rest = new JinjaArguments();
        rest.Positional.AddRange(given.Positional.Skip(from));
        foreach ((string name, object? value) in given.Named)
            rest.Named[name] = value;
        return rest;
    }

    /// <summary>Sorts items by a key; equal ones stay in their order.</summary>
    /// <exception cref="JinjaException">Two keys have no order.</exception>
    public static List<T> Sorted<T>(JinjaRun run, IEnumerable<T> items, bool isReverse, Func<T, object?> key)
    {
        var order = Comparer<object?>.Create((a, b) =>
        {
            run.Step();
            return JinjaComparer.Order(run, a, b);
        });
        try
        {
            return [.. isReverse ? items.OrderByDescending(key, order) : items.OrderBy(key, order)];
        }
        catch (InvalidOperationException e) when (e.InnerException is JinjaException inner)
        {
            throw new JinjaException(inner.Message, inner.IsRaised); // the library wraps what a comparison throws
        }
    }

    private static object? Key(JinjaRun run, object? item, object? attribute, bool isExact) =>
        Folded(attribute is null ? item : Attribute(run, item, attribute), isExact);

    private static object? Folded(object? value, bool isExact) =>
        value is string text && !isExact ? text.ToLowerInvariant() : value;
}
