namespace Atelier.Generation.Chat.Jinja;

/// <summary>Calculates with values as Python does. Whole numbers have 64 bits; a larger result is an error.</summary>
internal static class JinjaArithmetic
{
    /// <summary>Applies +, -, *, /, //, %, ** or ~ to two values.</summary>
    /// <exception cref="JinjaException">The operator does not apply to the values.</exception>
    public static object? Calculate(JinjaRun run, string op, object? a, object? b)
    {
        switch ((op, a, b))
        {
            case ("~", _, _):
                return Join(run, JinjaValues.Text(run, a), JinjaValues.Text(run, b));
            case ("+", string x, string y):
                return Join(run, x, y);
            case ("+", List<object?> x, List<object?> y) when x is JinjaTuple == y is JinjaTuple:
                run.Step((long)x.Count + y.Count);
                return x is JinjaTuple ? new JinjaTuple(x.Concat(y)) : x.Concat(y).ToList();
            case ("*", string x, long times):
                return Repeat(run, x, times);
            case ("*", long times, string x):
                return Repeat(run, x, times);
            case ("*", List<object?> x, long times):
                return Repeat(run, x, times);
            case ("%", string form, _):
                return JinjaFormatting.Insert(run, form, b is JinjaTuple values ? values : [b]);
        }
        if (JinjaComparer.Number(a) is not double left || JinjaComparer.Number(b) is not double right)
            throw new JinjaException(
                $"the operator {op} does not apply to {JinjaValues.Kind(a)} and {JinjaValues.Kind(b)}");
        if (op is "/" or "//" or "%" && right == 0)
            throw new JinjaException("division by zero");
        try
        {
            return a is double || b is double || op == "/" ? Real(op, left, right)
                : Whole(op, Convert.ToInt64(a, null), Convert.ToInt64(b, null));
        }
        catch (OverflowException)
        {
            throw new JinjaException("a whole number is too large");
        }
    }

    private static double Real(string op, double x, double y) => op switch
    {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        "/" => x / y,
        "//" => Math.Floor(x / y),
        "%" => x - (Math.Floor(x / y) * y),
        _ => Math.Pow(x, y),
    };

    private static object Whole(string op, long x, long y)
    {
        checked
        {
            switch (op)
            {
                case "+":
                    return x + y;
                case "-":
                    return x - y;
                case "*":
                    return x * y;
                case "//": // rounds down, as Python does
                    return (x % y != 0) && (x < 0 != y < 0) ? (x / y) - 1 : x / y;
                case "%":
                    long rest = y == -1 ? 0 : x % y;
                    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
                default:
                    if (y < 0)
                        return Math.Pow(x, y);
                    if (x is 0 or 1 or -1)
                        return y == 0 || x == 1 || (x == -1 && y % 2 == 0) ? 1L : x;
                    long power = 1;
                    for (; y > 0; y--) // ends soon: the power overflows after at most 63 factors
                        power *= x;
                    return power;
            }
        }
    }

    private static string Join(JinjaRun run, string a, string b)
    {
        run.Make((long)a.Length + b.Length);
        return a + b;
    }

    private static string Repeat(JinjaRun run, string text, long times)
    {
        times = text.Length == 0 ? 0 : Math.Clamp(times, 0, int.MaxValue);
        run.Make(text.Length * times);
        return text.Length == 1 ? new string(text[0], (int)times) : string.Concat(Enumerable.Repeat(text, (int)times));
    }

    private static List<object?> Repeat(JinjaRun run, List<object?> list, long times)
    {
        times = list.Count == 0 ? 0 : Math.Clamp(times, 0, int.MaxValue);
        run.Step(list.Count * times);
        List<object?> repeated = list is JinjaTuple ? new JinjaTuple() : new List<object?>();
        for (long i = 0; i < times; i++)
            repeated.AddRange(list);
        return repeated;
    }
}
