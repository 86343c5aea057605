namespace Atelier.Generation.Chat.Jinja;

/// <summary>Parses the statements of a template. Unsupported syntax is an error and is never ignored.</summary>
/// <param name="tokens">The tokens of the template.</param>
internal sealed class JinjaParser(List<JinjaToken> tokens) : JinjaExpressionParser(tokens)
{
    private int _loops;

    /// <summary>Parses the whole template.</summary>
    /// <exception cref="JinjaException">The template is damaged or uses unsupported syntax.</exception>
    public JinjaBlock Template() => Block(out _);

    /// <summary>
    /// Parses the statements up to a tag that ends the block, and reads that tag's name; without such names, up to the
    /// end of the template.
    /// </summary>
    private JinjaBlock Block(out string end, params string[] ends)
    {
        Enter();
        int line = Next.Line;
        List<JinjaStatement> statements = [];
        while (true)
        {
            JinjaToken token = Take();
            switch (token.Kind)
            {
                case JinjaTokenKind.Data:
                    statements.Add(new JinjaOutput(new JinjaConstant(token.Text, token.Line), token.Line));
                    break;
                case JinjaTokenKind.OutputStart:
                    statements.Add(new JinjaOutput(Tuple(), token.Line));
                    Expect(JinjaTokenKind.OutputEnd, "}}");
                    break;
                case JinjaTokenKind.BlockStart:
                    string name = Name();
                    if (Array.IndexOf(ends, name) >= 0)
                    {
                        end = name;
                        Leave();
                        return new JinjaBlock(statements, line);
                    }
                    statements.Add(Statement(name, token.Line));
                    break;
                default:
                    if (ends.Length > 0)
                        throw Error($"'{ends[^1]}' is missing for the block of line {line}");
                    end = "";
                    Leave();
                    return new JinjaBlock(statements, line);
            }
        }
    }

    private JinjaStatement Statement(string name, int line)
    {
        switch (name)
        {
            case "if":
                return If(line);
            case "for":
                return For(line);
            case "set":
                return Set(line);
            case "macro":
                return Macro(Name(), "endmacro", line);
            case "call":
                return Call(line);
            case "with":
                return With(line);
            case "filter":
                JinjaFilter filter = FilterChain();
                return new JinjaFilterBlock(filter, Body("endfilter"), line);
            case "generation": // marks an answer for training; it writes what it contains
                return Body("endgeneration");
            case "break" or "continue" when _loops > 0:
                EndTag();
                return new JinjaJump(name == "break" ? JinjaFlow.Break : JinjaFlow.Continue, line);
            default:
                throw new JinjaException($"the tag '{name}' is not supported there").At(line);
        }
    }

    private void EndTag() => Expect(JinjaTokenKind.BlockEnd, "%}");

    /// <summary>Parses the rest of a tag's end and the statements up to the tag that ends the block.</summary>
    private JinjaBlock Body(string end)
    {
        EndTag();
        JinjaBlock body = Block(out _, end);
        EndTag();
        return body;
    }

    private JinjaIf If(int line)
    {
        List<(JinjaExpression?, JinjaBlock)> branches = [];
        JinjaExpression? condition = Tuple(withCondition: true);
        while (true)
        {
            EndTag();
            JinjaBlock body = condition is null ? Block(out string end, "endif")
                : Block(out end, "elif", "else", "endif");
            branches.Add((condition, body));
            if (end == "endif")
                break;
            condition = end == "elif" ? Tuple() : null;
        }
        EndTag();
        return new JinjaIf(branches, line);
    }

    private JinjaFor For(int line)
    {
        JinjaExpression target = Target(withMembers: false);
        Expect("in");
        JinjaExpression source = Tuple(withCondition: false);
        JinjaExpression? condition = Skip("if") ? Expression() : null;
        if (IsNext("recursive"))
            throw Error("recursive loops are not supported");
        EndTag();
        _loops++;
        JinjaBlock body = Block(out string end, "else", "endfor");
        _loops--;
        JinjaBlock? otherwise = null;
        if (end == "else")
        {
            EndTag();
            otherwise = Block(out _, "endfor");
        }
        EndTag();
        return new JinjaFor(target, source, condition, body, otherwise, line);
    }

    private JinjaSet Set(int line)
    {
        JinjaExpression target = Target(withMembers: true);
        if (Skip("="))
        {
            JinjaExpression value = Tuple();
            EndTag();
            return new JinjaSet(target, value, null, null, line);
        }
        JinjaFilter? filter = Skip("|") ? FilterChain() : null;
        return new JinjaSet(target, null, Body("endset"), filter, line);
    }

    private JinjaMacro Macro(string name, string end, int line)
    {
        List<(string, JinjaExpression?)> parameters = [];
        Expect("(");
        while (!Skip(")"))
        {
            if (parameters.Count > 0)
                Expect(",");
            parameters.Add((Name(), Skip("=") ? Expression() : null));
        }
        return MacroOf(name, parameters, end, line);
    }

    private JinjaMacro MacroOf(string name, List<(string, JinjaExpression?)> parameters, string end, int line)
    {
        (int loops, _loops) = (_loops, 0); // break and continue do not leave a macro
        JinjaBlock body = Body(end);
        _loops = loops;
        return new JinjaMacro(name, parameters, body, line);
    }

    private JinjaCallBlock Call(int line)
    {
        List<(string, JinjaExpression?)> parameters = [];
        if (Skip("("))
        {
            while (!Skip(")"))
            {
                if (parameters.Count > 0)
                    Expect(",");
                parameters.Add((Name(), Skip("=") ? Expression() : null));
            }
        }
        if (Expression() is not JinjaCall call)
            throw Error("a call block needs a call");
        return new JinjaCallBlock(MacroOf("caller", parameters, "endcall", line), call, line);
    }

    private JinjaWith With(int line)
    {
        List<(JinjaExpression, JinjaExpression)> values = [];
        while (Next.Kind != JinjaTokenKind.BlockEnd)
        {
            if (values.Count > 0)
                Expect(",");
            JinjaExpression target = Target(withMembers: false, isTuple: false);
            Expect("=");
            values.Add((target, Expression()));
        }
        return new JinjaWith(values, Body("endwith"), line);
    }

    /// <summary>Parses what a loop or a set assigns to: names, possibly in brackets, or a namespace's
    /// attribute.</summary>
    private JinjaExpression Target(bool withMembers, bool isTuple = true)
    {
        Enter();
        int line = Next.Line;
        JinjaExpression target;
        if (Skip("("))
        {
            target = Target(withMembers);
            Expect(")");
        }
        else
        {
            string name = Name();
            target = withMembers && Skip(".") ? new JinjaMemberTarget(name, Name(), line) : new JinjaName(name, line);
        }
        Leave();
        if (!isTuple || !IsNext(","))
            return target;
        List<JinjaExpression> targets = [target];
        while (Skip(",") && !IsNext("in") && !IsNext("=") && !IsNext(")"))
            targets.Add(Target(withMembers, isTuple: false));
        return new JinjaListOf(targets, isTuple: true, line);
    }
}
