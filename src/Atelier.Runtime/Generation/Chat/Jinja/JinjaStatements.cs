using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>How a statement ended: whether a loop around it goes on.</summary>
internal enum JinjaFlow
{
    /// <summary>With the next statement.</summary>
    Next,

    /// <summary>With the next iteration of the loop.</summary>
    Continue,

    /// <summary>With the end of the loop.</summary>
    Break,
}

/// <summary>A statement of a template's syntax tree.</summary>
/// <param name="line">The line of the template, from 1.</param>
internal abstract class JinjaStatement(int line)
{
    /// <summary>Executes the statement, which appends what it writes to a text, and counts it as a step.</summary>
    /// <exception cref="JinjaException">The statement cannot be executed with these variables, or a limit is
    /// exceeded.</exception>
    public JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        run.Enter();
        int before = run.Line;
        run.Line = line;
        JinjaFlow flow = Do(run, scope, text);
        run.Line = before;
        run.Leave();
        return flow;
    }

    /// <summary>Executes the statement.</summary>
    protected abstract JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text);
}

/// <summary>Statements one after the other.</summary>
internal sealed class JinjaBlock(IReadOnlyList<JinjaStatement> statements, int line) : JinjaStatement(line)
{
    /// <summary>Returns the text that the statements write.</summary>
    public string Capture(JinjaRun run, JinjaScope scope)
    {
        var text = new StringBuilder();
        Execute(run, scope, text);
        return run.Made(text.ToString());
    }

    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        foreach (JinjaStatement statement in statements)
        {
            if (statement.Execute(run, scope, text) is not JinjaFlow.Next and var flow)
                return flow;
        }
        return JinjaFlow.Next;
    }
}

/// <summary>Text outside tags, or a value in an output tag.</summary>
internal sealed class JinjaOutput(JinjaExpression value, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        string written = JinjaValues.Text(run, value.Evaluate(run, scope));
        run.Write(written.Length);
        text.Append(written);
        return JinjaFlow.Next;
    }
}

/// <summary>The end of a loop or of its iteration: break or continue.</summary>
internal sealed class JinjaJump(JinjaFlow flow, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text) => flow;
}

/// <summary>if, elif and else; the condition of else is null.</summary>
internal sealed class JinjaIf(IReadOnlyList<(JinjaExpression? Condition, JinjaBlock Body)> branches, int line)
    : JinjaStatement(line)
{
    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        foreach ((JinjaExpression? condition, JinjaBlock body) in branches)
        {
            if (condition is null || JinjaValues.IsTrue(condition.Evaluate(run, scope)))
                return body.Execute(run, scope, text);
        }
        return JinjaFlow.Next;
    }
}

/// <summary>A loop over the items of a list, the keys of a dictionary or the characters of a string.</summary>
internal sealed class JinjaFor(JinjaExpression target, JinjaExpression source, JinjaExpression? condition,
    JinjaBlock body, JinjaBlock? otherwise, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        List<object?> items = JinjaValues.Items(run, source.Evaluate(run, scope));
        if (condition is not null)
            items = [.. items.Where(item => JinjaValues.IsTrue(condition.Evaluate(run, With(item))))];
        if (items.Count == 0)
            return otherwise?.Execute(run, scope, text) ?? JinjaFlow.Next;
        var loop = new JinjaLoop(items);
        for (loop.At = 0; loop.At < items.Count; loop.At++)
        {
            JinjaScope iteration = With(items[loop.At]);
            iteration["loop"] = loop;
            if (body.Execute(run, iteration, text) == JinjaFlow.Break)
                break;
        }
        return JinjaFlow.Next;

        JinjaScope With(object? item)
        {
            var inner = new JinjaScope(scope);
            JinjaSet.Assign(run, inner, target, item);
            return inner;
        }
    }
}

/// <summary>A variable, an attribute of a namespace, or several of a tuple, set to a value or to a block's
/// text.</summary>
internal sealed class JinjaSet(JinjaExpression target, JinjaExpression? value, JinjaBlock? body, JinjaFilter? filter,
    int line) : JinjaStatement(line)
{
    public static void Assign(JinjaRun run, JinjaScope scope, JinjaExpression target, object? value)
    {
        switch (target)
        {
            case JinjaName name:
                scope[name.Name] = value;
                break;
            case JinjaListOf targets:
                List<object?> items = JinjaValues.Items(run, value);
                if (items.Count != targets.Items.Count)
                    throw new JinjaException($"{items.Count} values cannot be set to {targets.Items.Count} names");
                for (int i = 0; i < items.Count; i++)
                    Assign(run, scope, targets.Items[i], items[i]);
                break;
            case JinjaMemberTarget member:
                if (scope[member.Space] is not JinjaSpace space)
                    throw new JinjaException($"'{member.Space}' is not a namespace");
                space.Values[member.Member] = value;
                break;
        }
    }

    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        object? assigned = body?.Capture(run, new JinjaScope(scope)) ?? value?.Evaluate(run, scope);
        if (filter is not null)
            assigned = filter.Apply(run, scope, (string?)assigned);
        Assign(run, scope, target, assigned);
        return JinjaFlow.Next;
    }
}

/// <summary>The attribute of a namespace to the left of a set.</summary>
internal sealed class JinjaMemberTarget(string space, string member, int line) : JinjaExpression(line)
{
    public string Space => space;

    public string Member => member;

    protected override object? Value(JinjaRun run, JinjaScope scope) => scope[space];
}

/// <summary>A block whose text passes through filters.</summary>
internal sealed class JinjaFilterBlock(JinjaFilter filter, JinjaBlock body, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        string captured = body.Capture(run, new JinjaScope(scope));
        string written = JinjaValues.Text(run, filter.Apply(run, scope, captured));
        run.Write(written.Length);
        text.Append(written);
        return JinjaFlow.Next;
    }
}

/// <summary>A block with a scope of its own, in which variables have values.</summary>
internal sealed class JinjaWith(IReadOnlyList<(JinjaExpression Target, JinjaExpression Value)> values, JinjaBlock body,
    int line) : JinjaStatement(line)
{
    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        var inner = new JinjaScope(scope);
        foreach ((JinjaExpression target, JinjaExpression value) in values)
            JinjaSet.Assign(run, inner, target, value.Evaluate(run, scope));
        return body.Execute(run, inner, text);
    }
}

/// <summary>A function of the template, which returns the text of its body.</summary>
internal sealed class JinjaMacro(
    string name, IReadOnlyList<(string Name, JinjaExpression? Default)> parameters, JinjaBlock body, int line)
    : JinjaStatement(line)
{
    public JinjaFunction Bind(JinjaScope scope) => (run, arguments) => Call(run, scope, arguments);

    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        scope[name] = Bind(scope);
        return JinjaFlow.Next;
    }

    private string Call(JinjaRun run, JinjaScope outer, JinjaArguments arguments)
    {
        var scope = new JinjaScope(outer);
        for (int i = 0; i < parameters.Count; i++)
        {
            (string parameter, JinjaExpression? otherwise) = parameters[i];
            scope[parameter] = i < arguments.Positional.Count ? arguments.Positional[i]
                : arguments.Named.Remove(parameter, out object? named) ? named
                : otherwise is null ? JinjaValues.Undefined : otherwise.Evaluate(run, scope);
        }
        scope["varargs"] = new JinjaTuple(arguments.Positional.Skip(parameters.Count));
        scope["caller"] = arguments.Named.Remove("caller", out object? caller) ? caller : JinjaValues.Undefined;
        var rest = new JinjaMap();
        foreach ((string key, object? value) in arguments.Named)
            rest[key] = value;
        scope["kwargs"] = rest;
        return body.Capture(run, scope);
    }
}

/// <summary>A call of a macro with a block, which the macro writes with caller().</summary>
internal sealed class JinjaCallBlock(JinjaMacro caller, JinjaCall call, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Do(JinjaRun run, JinjaScope scope, StringBuilder text)
    {
        JinjaArguments arguments = call.Arguments(run, scope);
        arguments.Named["caller"] = caller.Bind(scope);
        string written = JinjaValues.Text(run, call.Call(run, scope, arguments));
        run.Write(written.Length);
        text.Append(written);
        return JinjaFlow.Next;
    }
}
