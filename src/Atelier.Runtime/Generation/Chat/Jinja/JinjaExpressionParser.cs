using System.Globalization;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// Parses expressions by recursive descent, with Jinja's precedence from low to high: if, or, and, not, comparison,
/// sum, ~, product, power, sign, filter.
/// </summary>
/// <param name="tokens">The tokens of the template.</param>
internal class JinjaExpressionParser(List<JinjaToken> tokens) : JinjaTokenReader(tokens)
{
    /// <summary>Parses an expression, or several with commas between them, which are a tuple.</summary>
    /// <param name="withCondition">Whether "a if b else c" is allowed.</param>
    protected JinjaExpression Tuple(bool withCondition = true)
    {
        int line = Next.Line;
        JinjaExpression first = withCondition ? Expression() : Or();
        if (!IsNext(","))
            return first;
        List<JinjaExpression> items = [first];
        while (Skip(",") && !EndsTuple())
            items.Add(withCondition ? Expression() : Or());
        return new JinjaListOf(items, isTuple: true, line);
    }

    /// <summary>Parses an expression.</summary>
    protected JinjaExpression Expression()
    {
        Enter();
        int line = Next.Line;
        JinjaExpression value = Or();
        while (Skip("if"))
        {
            JinjaExpression condition = Or();
            value = new JinjaConditional(condition, value, Skip("else") ? Expression() : null, line);
        }
        Leave();
        return value;
    }

    /// <summary>Parses filters with bars between them; the first has no operand.</summary>
    protected JinjaFilter FilterChain()
    {
        JinjaFilter filter = Filter(null);
        while (Skip("|"))
            filter = Filter(filter);
        return filter;
    }

    /// <summary>Parses the arguments of a call after its opening bracket.</summary>
    protected JinjaCallArguments Arguments()
    {
        List<JinjaExpression> positional = [];
        List<(string Name, JinjaExpression Value)> named = [];
        while (!Skip(")"))
        {
            if (positional.Count + named.Count > 0)
            {
                Expect(",");
                if (Skip(")"))
                    break;
            }
            if (Next.Kind == JinjaTokenKind.Name && After is { Kind: JinjaTokenKind.Sign, Text: "=" })
            {
                string name = Name();
                Expect("=");
                named.Add((name, Expression()));
            }
            else
            {
                positional.Add(named.Count == 0 ? Expression()
                    : throw Error("an argument without a name follows one with a name"));
            }
        }
        return new JinjaCallArguments(positional, named);
    }

    private bool EndsTuple() => Next.Kind is JinjaTokenKind.OutputEnd or JinjaTokenKind.BlockEnd or JinjaTokenKind.End
        || IsNext(")") || IsNext("]") || IsNext("}") || IsNext("in") || IsNext("=");

    private JinjaExpression Or() => Chain(And, "or");

    private JinjaExpression And() => Chain(Not, "and");

    private JinjaExpression Not()
    {
        int line = Next.Line, count = 0;
        while (Skip("not"))
            count++;
        JinjaExpression value = Comparison();
        if (count > 0)
            value = new JinjaUnary("not", value, line);
        return count > 0 && count % 2 == 0 ? new JinjaUnary("not", value, line) : value;
    }

    private JinjaExpression Comparison()
    {
        int line = Next.Line;
        JinjaExpression left = Sum();
        List<(string Operator, JinjaExpression Right)> chain = [];
        while (Operator() is string op)
            chain.Add((op, Sum()));
        return chain.Count == 0 ? left : new JinjaComparison(left, chain, line);

        string? Operator()
        {
            foreach (string sign in (string[])["==", "!=", "<=", ">=", "<", ">", "in"])
            {
                if (Skip(sign))
                    return sign;
            }
            if (!IsNext("not") || After is not { Kind: JinjaTokenKind.Name, Text: "in" })
                return null;
            Take();
            Take();
            return "not in";
        }
    }

    private JinjaExpression Sum() => Chain(Concatenation, "+", "-");

    private JinjaExpression Concatenation() => Chain(Product, "~");

    private JinjaExpression Product() => Chain(Power, "*", "//", "/", "%");

    private JinjaExpression Power() => Chain(() => Signed(withFilters: true), "**");

    /// <summary>Parses operands with operators of one precedence between them, from left to right.</summary>
    private JinjaExpression Chain(Func<JinjaExpression> operand, params string[] operators)
    {
        JinjaExpression left = operand();
        while (Array.Find(operators, IsNext) is string op)
        {
            int line = Take().Line;
            left = new JinjaBinary(op, left, operand(), line);
        }
        return left;
    }

    private JinjaExpression Signed(bool withFilters)
    {
        int line = Next.Line;
        JinjaExpression value;
        if (IsNext("-") || IsNext("+"))
        {
            Enter();
            value = new JinjaUnary(Take().Text, Signed(withFilters: false), line);
            Leave();
        }
        else
        {
            value = Postfix(Primary());
        }
        return withFilters ? Filtered(value) : value;
    }

    private JinjaExpression Filtered(JinjaExpression value)
    {
        while (true)
        {
            int line = Next.Line;
            if (Skip("|"))
            {
                value = Filter(value);
            }
            else if (Skip("is"))
            {
                bool isNot = Skip("not");
                string name = DottedName();
                JinjaCallArguments arguments = JinjaCallArguments.None;
                if (Skip("("))
                    arguments = Arguments();
                else if (BeginsArgument())
                    arguments = new JinjaCallArguments([Postfix(Primary())], []);
                value = new JinjaTest(value, name, arguments, isNot, line);
            }
            else if (Skip("("))
            {
                value = new JinjaCall(value, Arguments(), line);
            }
            else
            {
                return value;
            }
        }

        bool BeginsArgument() => Next.Kind is JinjaTokenKind.Text or JinjaTokenKind.Integer or JinjaTokenKind.Float
            || (Next.Kind == JinjaTokenKind.Name
                && Next.Text is not ("else" or "or" or "and" or "is" or "if" or "not" or "in"))
            || IsNext("[") || IsNext("{");
    }

    private JinjaFilter Filter(JinjaExpression? value)
    {
        int line = Next.Line;
        string name = DottedName();
        return new JinjaFilter(value, name, Skip("(") ? Arguments() : JinjaCallArguments.None, line);
    }

    private string DottedName()
    {
        string name = Name();
        while (Skip("."))
            name += "." + Name();
        return name;
    }

    private JinjaExpression Postfix(JinjaExpression value)
    {
        while (true)
        {
            int line = Next.Line;
            if (Skip("."))
            {
                bool isNumber = Next.Kind == JinjaTokenKind.Integer;
                object key = isNumber ? Whole(Take()) : Name();
                value = new JinjaItem(value, new JinjaConstant(key, line), !isNumber, line);
            }
            else if (Skip("["))
            {
                value = Subscript(value, line);
            }
            else if (Skip("("))
            {
                value = new JinjaCall(value, Arguments(), line);
            }
            else
            {
                return value;
            }
        }
    }

    private JinjaExpression Subscript(JinjaExpression whole, int line)
    {
        JinjaExpression? from = IsNext(":") ? null : Tuple();
        if (from is not null && Skip("]"))
            return new JinjaItem(whole, from, isAttribute: false, line);
        Expect(":");
        JinjaExpression? to = IsNext("]") || IsNext(":") ? null : Expression(), step = null;
        if (Skip(":") && !IsNext("]"))
            step = Expression();
        Expect("]");
        return new JinjaSlice(whole, from, to, step, line);
    }

    private JinjaExpression Primary()
    {
        JinjaToken token = Next;
        switch (token)
        {
            case { Kind: JinjaTokenKind.Text }:
                var text = new System.Text.StringBuilder();
                while (Next.Kind == JinjaTokenKind.Text) // adjacent strings are concatenated
                    text.Append(Take().Text);
                return new JinjaConstant(text.ToString(), token.Line);
            case { Kind: JinjaTokenKind.Integer }:
                return new JinjaConstant(Whole(Take()), token.Line);
            case { Kind: JinjaTokenKind.Float }:
                return new JinjaConstant(double.Parse(Take().Text, NumberStyles.Float, CultureInfo.InvariantCulture),
                    token.Line);
            case { Kind: JinjaTokenKind.Sign, Text: "(" }:
                Take();
                if (Skip(")"))
                    return new JinjaListOf([], isTuple: true, token.Line);
                JinjaExpression inner = Tuple();
                Expect(")");
                return inner;
            case { Kind: JinjaTokenKind.Sign, Text: "[" }:
                Take();
                return new JinjaListOf(Items("]", Expression), isTuple: false, token.Line);
            case { Kind: JinjaTokenKind.Sign, Text: "{" }:
                Take();
                return new JinjaMapOf(Items("}", () =>
                {
                    JinjaExpression key = Expression();
                    Expect(":");
                    return (key, Expression());
                }), token.Line);
            case { Kind: JinjaTokenKind.Name }:
                Take();
                return token.Text switch
                {
                    "true" or "True" => new JinjaConstant(true, token.Line),
                    "false" or "False" => new JinjaConstant(false, token.Line),
                    "none" or "None" => new JinjaConstant(null, token.Line),
                    _ => new JinjaName(token.Text, token.Line),
                };
            default:
                throw Error($"expected a value, found {Found()}");
        }
    }

    private List<T> Items<T>(string close, Func<T> read)
    {
        List<T> items = [];
        while (!Skip(close))
        {
            if (items.Count > 0)
            {
                Expect(",");
                if (Skip(close))
                    break;
            }
            items.Add(read());
        }
        return items;
    }

    private static object Whole(JinjaToken token) =>
        long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number
            : throw new JinjaException("a number is too large").At(token.Line);
}
