namespace Atelier.Generation.Chat.Jinja;

/// <summary>An expression of a template's syntax tree.</summary>
/// <param name="line">The line of the template, from 1.</param>
internal abstract class JinjaExpression(int line)
{
    /// <summary>The line of the template, from 1.</summary>
    public int Line => line;

    /// <summary>Evaluates the expression and counts it as a step.</summary>
    /// <exception cref="JinjaException">The expression has no value for these variables, or a limit is
    /// exceeded.</exception>
    public object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        run.Enter();
        int before = run.Line;
        run.Line = line;
        object? value = Value(run, scope);
        run.Line = before;
        run.Leave();
        return value;
    }

    /// <summary>Returns the value of the expression.</summary>
    protected abstract object? Value(JinjaRun run, JinjaScope scope);
}

/// <summary>A constant: a string, a number, true, false or none.</summary>
internal sealed class JinjaConstant(object? value, int line) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) => value;
}

/// <summary>The value of a variable.</summary>
internal sealed class JinjaName(string name, int line) : JinjaExpression(line)
{
    public string Name => name;

    protected override object? Value(JinjaRun run, JinjaScope scope) => scope[name];
}

/// <summary>A list or a tuple.</summary>
internal sealed class JinjaListOf(IReadOnlyList<JinjaExpression> items, bool isTuple, int line) : JinjaExpression(line)
{
    public IReadOnlyList<JinjaExpression> Items => items;

    public bool IsTuple => isTuple;

    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        List<object?> list = isTuple ? new JinjaTuple() : new List<object?>();
        foreach (JinjaExpression item in items)
            list.Add(item.Evaluate(run, scope));
        return list;
    }
}

/// <summary>A dictionary.</summary>
internal sealed class JinjaMapOf(IReadOnlyList<(JinjaExpression Key, JinjaExpression Value)> items, int line)
    : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        var map = new JinjaMap();
        foreach ((JinjaExpression key, JinjaExpression value) in items)
            map[JinjaMap.Key(key.Evaluate(run, scope))] = value.Evaluate(run, scope);
        return map;
    }
}

/// <summary>An operator between two values.</summary>
internal sealed class JinjaBinary(string op, JinjaExpression left, JinjaExpression right, int line)
    : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        object? a = left.Evaluate(run, scope);
        return op switch
        {
            "and" => JinjaValues.IsTrue(a) ? right.Evaluate(run, scope) : a,
            "or" => JinjaValues.IsTrue(a) ? a : right.Evaluate(run, scope),
            _ => JinjaArithmetic.Calculate(run, op, a, right.Evaluate(run, scope)),
        };
    }
}

/// <summary>An operator before a value: not, + or -.</summary>
internal sealed class JinjaUnary(string op, JinjaExpression operand, int line) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        object? value = operand.Evaluate(run, scope);
        return op switch
        {
            "not" => !JinjaValues.IsTrue(value),
            "-" => value is double number ? -number : JinjaArithmetic.Calculate(run, "-", 0L, value),
            _ => JinjaArithmetic.Calculate(run, "+", 0L, value),
        };
    }
}

/// <summary>A chain of comparisons, which holds if each of them does.</summary>
internal sealed class JinjaComparison(
    JinjaExpression first, IReadOnlyList<(string Operator, JinjaExpression Right)> chain, int line)
    : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        object? a = first.Evaluate(run, scope);
        foreach ((string op, JinjaExpression right) in chain)
        {
            object? b = right.Evaluate(run, scope);
            if (!JinjaComparer.Holds(run, op, a, b))
                return false;
            a = b;
        }
        return true;
    }
}

/// <summary>a if condition else b.</summary>
internal sealed class JinjaConditional(
    JinjaExpression condition, JinjaExpression chosen, JinjaExpression? otherwise, int line) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        JinjaValues.IsTrue(condition.Evaluate(run, scope)) ? chosen.Evaluate(run, scope)
            : otherwise is null ? JinjaValues.Undefined : otherwise.Evaluate(run, scope);
}

/// <summary>An attribute, whole.name, or an item, whole[key].</summary>
internal sealed class JinjaItem(JinjaExpression whole, JinjaExpression key, bool isAttribute, int line)
    : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        object? value = whole.Evaluate(run, scope), name = key.Evaluate(run, scope);
        return value == JinjaValues.Undefined
            ? throw new JinjaException($"{Described()} is undefined")
            : JinjaValues.Member(run, value, name, isAttribute);
    }

    private string Described() => whole is JinjaName name ? $"'{name.Name}'" : "a value with members";
}

/// <summary>A slice, whole[from:to:step].</summary>
internal sealed class JinjaSlice(
    JinjaExpression whole, JinjaExpression? from, JinjaExpression? to, JinjaExpression? step, int line)
    : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        return JinjaValues.Slice(run, whole.Evaluate(run, scope), Bound(from), Bound(to), Bound(step));

        long? Bound(JinjaExpression? bound) => bound?.Evaluate(run, scope) switch
        {
            null => null,
            long at => at,
            bool at => at ? 1 : 0,
            _ => throw new JinjaException("the bounds of a slice must be whole numbers"),
        };
    }
}

/// <summary>The arguments of a call, unevaluated.</summary>
/// <param name="Positional">The arguments without names.</param>
/// <param name="Named">The arguments with names.</param>
internal sealed record JinjaCallArguments(
    IReadOnlyList<JinjaExpression> Positional, IReadOnlyList<(string Name, JinjaExpression Value)> Named)
{
    public static readonly JinjaCallArguments None = new([], []);

    public JinjaArguments Evaluate(JinjaRun run, JinjaScope scope)
    {
        var arguments = new JinjaArguments();
        foreach (JinjaExpression value in Positional)
            arguments.Positional.Add(value.Evaluate(run, scope));
        foreach ((string name, JinjaExpression value) in Named)
            arguments.Named[name] = value.Evaluate(run, scope);
        return arguments;
    }
}

/// <summary>A call of a function, a method or a macro.</summary>
internal sealed class JinjaCall(JinjaExpression function, JinjaCallArguments arguments, int line)
    : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        Call(run, scope, arguments.Evaluate(run, scope));

    public object? Call(JinjaRun run, JinjaScope scope, JinjaArguments values) =>
        function.Evaluate(run, scope) is JinjaFunction called ? called(run, values)
            : throw new JinjaException($"{Described()} is not a function");

    public JinjaArguments Arguments(JinjaRun run, JinjaScope scope) => arguments.Evaluate(run, scope);

    private string Described() => function is JinjaName name ? $"'{name.Name}'" : "a called value";
}

/// <summary>A filter, value | name(arguments).</summary>
internal sealed class JinjaFilter(JinjaExpression? value, string name, JinjaCallArguments arguments, int line)
    : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) => Apply(run, scope, null);

    /// <summary>Applies the filters, of which the innermost has no operand, to a text.</summary>
    public object? Apply(JinjaRun run, JinjaScope scope, string? text)
    {
        object? operand = value is null ? text : value is JinjaFilter inner && text is not null
            ? inner.Apply(run, scope, text) : value.Evaluate(run, scope);
        return JinjaFilters.Apply(run, name, operand, arguments.Evaluate(run, scope));
    }
}

/// <summary>A test, value is name(arguments).</summary>
internal sealed class JinjaTest(
    JinjaExpression value, string name, JinjaCallArguments arguments, bool isNot, int line) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        JinjaTests.Holds(run, name, value.Evaluate(run, scope), arguments.Evaluate(run, scope)) != isNot;
}
