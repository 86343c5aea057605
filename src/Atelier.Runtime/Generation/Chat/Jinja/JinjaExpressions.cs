using System.Globalization;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// Parses expressions by recursive descent, with Jinja's precedence from low to high: if, or, and, not, comparison,
/// sum, ~, product, sign, filter.
/// </summary>
/// <param name="code">The code inside a tag.</param>
internal sealed class JinjaExpressions(string code)
{
    private const int Deepest = 100;
    private const int MostTokens = 1000; // limits the recursion that evaluates a chain of operators
    private readonly List<JinjaToken> _tokens = Limited(JinjaLexer.Cut(code));
    private int _at;
    private int _depth;

    /// <summary>A parsed expression, which is evaluated for the variables of a scope.</summary>
    public delegate object? Expression(JinjaScope scope);

    private JinjaToken Next => _tokens[_at];

    /// <summary>Reads a word or an operator if it is the next token, and returns whether it was.</summary>
    public bool Skip(string text)
    {
        bool isNext = Next.Kind is JinjaTokenKind.Name or JinjaTokenKind.Sign && Next.Text == text;
        _at += isNext ? 1 : 0;
        return isNext;
    }

    /// <summary>Reads a word or an operator, which must be the next token.</summary>
    public void Expect(string text)
    {
        if (!Skip(text))
            throw new JinjaException($"expected '{text}', found '{Next.Text}'");
    }

    /// <summary>Reads a name, which must be the next token.</summary>
    public string Name() => Next.Kind == JinjaTokenKind.Name ? _tokens[_at++].Text
        : throw new JinjaException($"expected a name, found '{Next.Text}'");

    /// <summary>Throws if any token is left.</summary>
    public void End()
    {
        if (Next.Kind != JinjaTokenKind.End)
            throw new JinjaException($"'{Next.Text}' is not supported there");
    }

    /// <summary>Parses an expression.</summary>
    public Expression Read()
    {
        if (++_depth > Deepest)
            throw new JinjaException("expressions are nested too deeply");
        Expression value = Or();
        while (Skip("if"))
        {
            Expression chosen = value, condition = Or();
            Expression otherwise = Skip("else") ? Read() : _ => JinjaValues.Undefined;
            value = scope => JinjaValues.IsTrue(condition(scope)) ? chosen(scope) : otherwise(scope);
        }
        _depth--;
        return value;
    }

    private static List<JinjaToken> Limited(List<JinjaToken> tokens) => tokens.Count <= MostTokens ? tokens
        : throw new JinjaException("a tag is too long");

    private Expression Or()
    {
        Expression left = And();
        while (Skip("or"))
        {
            Expression a = left, b = And();
            left = scope => a(scope) is var value && JinjaValues.IsTrue(value) ? value : b(scope);
        }
        return left;
    }

    private Expression And()
    {
        Expression left = Not();
        while (Skip("and"))
        {
            Expression a = left, b = Not();
            left = scope => a(scope) is var value && !JinjaValues.IsTrue(value) ? value : b(scope);
        }
        return left;
    }

    private Expression Not()
    {
        int count = 0;
        while (Skip("not"))
            count++;
        Expression value = Comparison();
        return count == 0 ? value : scope => JinjaValues.IsTrue(value(scope)) == (count % 2 == 0);
    }

    private Expression Comparison()
    {
        Expression left = Sum();
        List<(string Operator, Expression Right)> chain = [];
        while (Operator() is string op)
            chain.Add((op, Sum()));
        return chain.Count == 0 ? left : scope =>
        {
            object? a = left(scope);
            foreach ((string op, Expression right) in chain)
            {
                object? b = right(scope);
                if (!JinjaValues.Compare(op, a, b))
                    return false;
                a = b;
            }
            return true;
        };

        string? Operator()
        {
            foreach (string sign in (string[])["==", "!=", "<=", ">=", "<", ">", "in"])
            {
                if (Skip(sign))
                    return sign;
            }
            if (Next.Text == "not" && _tokens[_at + 1].Text == "in")
            {
                _at += 2;
                return "not in";
            }
            return null;
        }
    }

    private Expression Sum()
    {
        Expression left = Concatenation();
        while (true)
        {
            Expression a = left;
            if (Skip("+"))
            {
                Expression b = Concatenation();
                left = scope => scope.Made(JinjaValues.Add(a(scope), b(scope)));
            }
            else if (Skip("-"))
            {
                Expression b = Concatenation();
                left = scope => JinjaValues.Calculate("-", a(scope), b(scope));
            }
            else
            {
                return left;
            }
        }
    }

    private Expression Concatenation()
    {
        Expression left = Product();
        while (Skip("~"))
        {
            Expression a = left, b = Product();
            left = scope => scope.Made(JinjaValues.Text(a(scope)) + JinjaValues.Text(b(scope)));
        }
        return left;
    }

    private Expression Product()
    {
        Expression left = Signed();
        while ((string[])["*", "//", "%"] is var signs && Array.Find(signs, Skip) is string op)
        {
            Expression a = left, b = Signed();
            left = scope => JinjaValues.Calculate(op, a(scope), b(scope));
        }
        return left;
    }

    private Expression Signed()
    {
        bool isNegative = Skip("-");
        Expression unsigned = Postfix(Primary());
        Expression result = isNegative ? scope => JinjaValues.Calculate("-", 0L, unsigned(scope)) : unsigned;
        while (true)
        {
            Expression before = result;
            if (Skip("|"))
            {
                string name = Name();
                List<Expression> arguments = Skip("(") ? Arguments() : [];
                result = scope => scope.Made(JinjaValues.Filter(name, before(scope),
                    [.. arguments.Select(a => a(scope))]));
            }
            else if (Skip("is"))
            {
                bool isNot = Skip("not");
                string test = Name().ToLowerInvariant();
                result = scope => JinjaValues.Test(test, before(scope)) != isNot;
            }
            else
            {
                return result;
            }
        }
    }

    private Expression Postfix(Expression value)
    {
        while (true)
        {
            Expression whole = value;
            if (Skip("."))
            {
                string name = Name();
                if (Skip("("))
                {
                    List<Expression> arguments = Arguments();
                    value = scope => scope.Made(JinjaValues.Method(whole(scope), name,
                        [.. arguments.Select(a => a(scope))]));
                }
                else
                {
                    value = scope => JinjaValues.Item(whole(scope), name);
                }
            }
            else if (Skip("["))
            {
                value = Subscript(whole);
            }
            else
            {
                return value;
            }
        }
    }

    private Expression Subscript(Expression whole)
    {
        Expression? from = Next.Text == ":" && Next.Kind == JinjaTokenKind.Sign ? null : Read();
        if (!Skip(":"))
        {
            Expect("]");
            return scope => JinjaValues.Item(whole(scope), from!(scope));
        }
        Expression? to = Next is { Kind: JinjaTokenKind.Sign, Text: "]" } ? null : Read();
        Expect("]");
        return scope => scope.Made(JinjaValues.Slice(whole(scope), Bound(from, scope), Bound(to, scope)));

        static long? Bound(Expression? bound, JinjaScope scope) =>
            bound is null ? null : bound(scope) is long at ? at
                : throw new JinjaException("a slice needs numbers");
    }

    private List<Expression> Arguments()
    {
        List<Expression> arguments = [];
        while (!Skip(")"))
        {
            if (arguments.Count > 0)
                Expect(",");
            arguments.Add(Read());
        }
        return arguments;
    }

    private Expression Primary()
    {
        JinjaToken token = _tokens[_at];
        _at += token.Kind == JinjaTokenKind.End ? 0 : 1;
        switch (token)
        {
            case { Kind: JinjaTokenKind.Text }:
                string text = token.Text;
                while (Next.Kind == JinjaTokenKind.Text) // adjacent strings are concatenated
                    text += _tokens[_at++].Text;
                return _ => text;
            case { Kind: JinjaTokenKind.Number }:
                if (!long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                    throw new JinjaException("a number is too large");
                return _ => number;
            case { Kind: JinjaTokenKind.Sign, Text: "(" }:
                Expression inner = Read();
                Expect(")");
                return inner;
            case { Kind: JinjaTokenKind.Sign, Text: "[" }:
                List<Expression> items = [];
                while (!Skip("]"))
                {
                    if (items.Count > 0)
                        Expect(",");
                    items.Add(Read());
                }
                return scope => items.Select(item => item(scope)).ToList();
            case { Kind: JinjaTokenKind.Name }:
                return Named(token.Text);
            default:
                throw new JinjaException($"expected a value, found '{token.Text}'");
        }
    }

    private Expression Named(string name)
    {
        switch (name)
        {
            case "true" or "True":
                return _ => true;
            case "false" or "False":
                return _ => false;
            case "none" or "None":
                return _ => null;
            case "raise_exception":
                Expect("(");
                Expression what = Read();
                Expect(")");
                return scope => throw new JinjaException(JinjaValues.Text(what(scope)), isRaised: true);
            case "namespace":
                Expect("(");
                List<(string Name, Expression Value)> members = [];
                while (!Skip(")"))
                {
                    if (members.Count > 0)
                        Expect(",");
                    string member = Name();
                    Expect("=");
                    members.Add((member, Read()));
                }
                return scope => members.ToDictionary(m => m.Name, m => m.Value(scope));
            default:
                return Next is { Kind: JinjaTokenKind.Sign, Text: "(" }
                    ? throw new JinjaException($"the function {name} is not supported")
                    : scope => scope[name];
        }
    }
}
