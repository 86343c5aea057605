namespace Atelier.Generation.Chat.Jinja;

/// <summary>Compares values as Python does.</summary>
internal static class JinjaComparer
{
    /// <summary>Returns whether a comparison holds.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="op">==, !=, &lt;, &gt;, &lt;=, &gt;=, in or not in.</param>
    /// <param name="a">The left value.</param>
    /// <param name="b">The right value.</param>
    /// <exception cref="JinjaException">The values cannot be compared.</exception>
    public static bool Holds(JinjaRun run, string op, object? a, object? b) => op switch
    {
        "==" => AreEqual(run, a, b),
        "!=" => !AreEqual(run, a, b),
        "in" => Contains(run, b, a),
        "not in" => !Contains(run, b, a),
        "<" => Order(run, a, b, op) < 0,
        ">" => Order(run, a, b, op) > 0,
        "<=" => Order(run, a, b, op) <= 0,
        _ => Order(run, a, b, op) >= 0,
    };

    public static bool AreEqual(JinjaRun run, object? a, object? b)
    {
        if (a is string said && b is string other)
        {
            run.Read(Math.Min(said.Length, other.Length));
            return said == other;
        }
        if (Number(a) is double x && Number(b) is double y)
            return a is double || b is double ? x == y : Whole(a) == Whole(b);
        run.Enter();
        bool result = (a, b) switch
        {
            (List<object?> list, List<object?> second) => list is JinjaTuple == second is JinjaTuple
                && list.Count == second.Count && !list.Where((item, i) => !AreEqual(run, item, second[i])).Any(),
            (JinjaMap map, JinjaMap second) => map.Count == second.Count
                && map.Items.All(item => second.Has(item.Key) && AreEqual(run, item.Value, second[item.Key])),
            _ => Equals(a, b),
        };
        run.Leave();
        return result;
    }

    /// <summary>Returns a negative number, zero or a positive number, as the left value is smaller, equal or
    /// larger.</summary>
    /// <exception cref="JinjaException">The values have no order.</exception>
    public static int Order(JinjaRun run, object? a, object? b, string op = "<")
    {
        if (a is string said && b is string other)
        {
            run.Read(Math.Min(said.Length, other.Length));
            return string.CompareOrdinal(said, other);
        }
        if (Number(a) is double x && Number(b) is double y)
            return a is double || b is double ? x.CompareTo(y) : Whole(a).CompareTo(Whole(b));
        if (a is not List<object?> list || b is not List<object?> second)
            throw new JinjaException(
                $"the operator {op} does not compare {JinjaValues.Kind(a)} with {JinjaValues.Kind(b)}");
        run.Enter();
        int order = list.Count.CompareTo(second.Count);
        for (int i = 0; i < Math.Min(list.Count, second.Count); i++)
        {
            if (AreEqual(run, list[i], second[i]))
                continue;
            order = Order(run, list[i], second[i], op);
            break;
        }
        run.Leave();
        return order;
    }

    public static bool Contains(JinjaRun run, object? whole, object? part)
    {
        switch (whole)
        {
            case string text:
                if (part is not string piece)
                    throw new JinjaException($"a string does not contain {JinjaValues.Kind(part)}");
                run.Read(text.Length);
                return text.Contains(piece, StringComparison.Ordinal);
            case List<object?> list:
                run.Step(list.Count / 8);
                return list.Exists(item => AreEqual(run, item, part));
            case JinjaMap map:
                return map.Has(part);
            case JinjaSpace space:
                return part is string name && space.Values.ContainsKey(name);
            default:
                return whole == JinjaValues.Undefined ? false
                    : throw new JinjaException($"{JinjaValues.Kind(whole)} contains nothing");
        }
    }

    /// <summary>Returns a number or a boolean as a number; null for other values.</summary>
    public static double? Number(object? value) => value switch
    {
        long number => number,
        double number => number,
        bool known => known ? 1 : 0,
        _ => null,
    };

    private static long Whole(object? value) => value is long number ? number : value is true ? 1 : 0;
}
