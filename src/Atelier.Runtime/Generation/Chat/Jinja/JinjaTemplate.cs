using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// A template in the part of Jinja that chat templates are mostly written in, with the settings that Hugging Face's
/// tools run them with: a line end after a tag goes with it, and so do spaces before it. What is not read is an error,
/// never passed over.
/// </summary>
internal sealed class JinjaTemplate
{
    private const int Deepest = 50;
    private const int LongestTemplate = 1 << 18;

    private readonly List<(string Kind, string Inside)> _parts; // "", "{{", "{%"
    private readonly Statement _body;
    private int _at;
    private int _depth;

    private JinjaTemplate(string template)
    {
        _parts = Cut(template);
        _body = Block(out _);
    }

    private delegate void Statement(JinjaScope scope, StringBuilder text);

    /// <summary>Reads a template.</summary>
    /// <exception cref="JinjaException">It is damaged, or has what is not read.</exception>
    public static JinjaTemplate Parse(string template) =>
        template.Length <= LongestTemplate ? new JinjaTemplate(template) : throw new JinjaException("it is too long");

    /// <summary>Writes it.</summary>
    /// <exception cref="JinjaException">It cannot be written for these variables.</exception>
    public string Render(Dictionary<string, object?> variables)
    {
        var text = new StringBuilder();
        _body(new JinjaScope(variables), text);
        return text.ToString();
    }

    private static List<(string Kind, string Inside)> Cut(string template)
    {
        template = template.ReplaceLineEndings("\n");
        if (template.EndsWith('\n'))
            template = template[..^1];
        List<(string, string)> parts = [];
        bool stripsStart = false, dropsLineEnd = false;
        for (int at = 0; at < template.Length;)
        {
            int tag = NextTag(template, at), stop = tag < 0 ? template.Length : tag;
            string plain = template[at..stop];
            if (stripsStart)
                plain = plain.TrimStart();
            else if (dropsLineEnd && plain.StartsWith('\n'))
                plain = plain[1..];
            if (tag < 0)
            {
                parts.Add(("", plain));
                break;
            }
            string kind = template.Substring(tag, 2), close = kind switch { "{{" => "}}", "{%" => "%}", _ => "#}" };
            int end = End(template, tag + 2, close);
            string inside = template[(tag + 2)..end];
            bool isWrittenOut = kind == "{{";
            if (inside.StartsWith('-'))
                plain = plain.TrimEnd();
            else if (!isWrittenOut && !inside.StartsWith('+') && BeginsLine(template, tag))
                plain = plain.TrimEnd(' ', '\t');
            stripsStart = inside.Length > 1 && inside.EndsWith('-');
            dropsLineEnd = !isWrittenOut && !inside.EndsWith('+');
            if (plain.Length > 0)
                parts.Add(("", plain));
            if (kind != "{#")
                parts.Add((kind, Unmarked(inside, isWrittenOut)));
            at = end + 2;
        }
        return parts;
    }

    /// <summary>The contents of a tag without its whitespace-control marks.</summary>
    private static string Unmarked(string inside, bool isWrittenOut)
    {
        int start = inside.StartsWith('-') || (!isWrittenOut && inside.StartsWith('+')) ? 1 : 0;
        int end = inside.Length - (inside.EndsWith('-') || (!isWrittenOut && inside.EndsWith('+')) ? 1 : 0);
        return start < end ? inside[start..end] : "";
    }

    private static int NextTag(string template, int at)
    {
        int last = template.Length - 1;
        for (int place = template.IndexOf('{', at); place >= 0
            && place < last; place = template.IndexOf('{', place + 1))
        {
            if (template[place + 1] is '{' or '%' or '#')
                return place;
        }
        return -1;
    }

    /// <summary>Whether only spaces stand between a tag and the line's beginning.</summary>
    private static bool BeginsLine(string template, int tag)
    {
        int at = tag - 1;
        while (at >= 0 && template[at] is ' ' or '\t')
            at--;
        return at < 0 || template[at] == '\n';
    }

    /// <summary>Where a tag's closing mark stands, outside of strings.</summary>
    private static int End(string template, int at, string close)
    {
        char quote = '\0';
        for (; at + 1 < template.Length; at++)
        {
            if (close != "#}" && quote != '\0')
            {
                if (template[at] == '\\')
                    at++;
                else if (template[at] == quote)
                    quote = '\0';
            }
            else if (template.AsSpan(at).StartsWith(close, StringComparison.Ordinal))
            {
                return at;
            }
            else if (close != "#}" && template[at] is '\'' or '"')
            {
                quote = template[at];
            }
        }
        throw new JinjaException("a tag is not closed");
    }

    /// <summary>Statements up to a tag that ends the block, which is given back; null at the template's end.</summary>
    private Statement Block(out JinjaExpressions? end, params string[] ends)
    {
        if (++_depth > Deepest)
            throw new JinjaException("blocks are nested too deeply");
        List<Statement> statements = [];
        end = null;
        while (_at < _parts.Count)
        {
            (string kind, string inside) = _parts[_at++];
            if (kind == "")
            {
                statements.Add((scope, text) => Append(scope, text, inside));
                continue;
            }
            var tag = new JinjaExpressions(inside);
            if (kind == "{{")
            {
                JinjaExpressions.Expression value = tag.Read();
                tag.End();
                statements.Add((scope, text) => Append(scope, text, JinjaValues.Text(value(scope))));
                continue;
            }
            if (ends.Any(tag.Skip))
            {
                end = new JinjaExpressions(inside);
                break;
            }
            statements.Add(tag.Skip("if") ? If(tag) : tag.Skip("for") ? For(tag) : tag.Skip("set") ? Set(tag)
                : throw new JinjaException($"the tag '{tag.Name()}' is not supported"));
        }
        if (end is null && ends.Length > 0)
            throw new JinjaException($"'{ends[^1]}' is missing");
        _depth--;
        return (scope, text) =>
        {
            foreach (Statement statement in statements)
            {
                scope.Spend(0);
                statement(scope, text);
            }
        };
    }

    private static void Append(JinjaScope scope, StringBuilder text, string part)
    {
        scope.Spend(part.Length);
        text.Append(part);
    }

    private Statement If(JinjaExpressions tag)
    {
        List<(JinjaExpressions.Expression Condition, Statement Body)> branches = [];
        Statement? otherwise = null;
        JinjaExpressions.Expression condition = tag.Read();
        tag.End();
        while (true)
        {
            Statement body = Block(out JinjaExpressions? end, "elif", "else", "endif");
            if (otherwise is null)
                branches.Add((condition, body));
            if (end!.Skip("endif"))
                break;
            if (end.Skip("elif"))
            {
                condition = end.Read();
                end.End();
                continue;
            }
            otherwise = Block(out _, "endif");
            break;
        }
        return (scope, text) =>
        {
            Statement? chosen = branches.Find(branch => JinjaValues.IsTrue(branch.Condition(scope))).Body ?? otherwise;
            chosen?.Invoke(scope, text);
        };
    }

    private Statement For(JinjaExpressions tag)
    {
        string name = tag.Name();
        tag.Expect("in");
        JinjaExpressions.Expression source = tag.Read();
        tag.End();
        Statement body = Block(out _, "endfor");
        return (scope, text) =>
        {
            if (source(scope) is not List<object?> items)
                throw new JinjaException("a loop needs a list");
            for (int i = 0; i < items.Count; i++)
            {
                var turn = new JinjaScope(scope)
                {
                    [name] = items[i],
                    ["loop"] = new Dictionary<string, object?>
                    {
                        ["index"] = i + 1L,
                        ["index0"] = (long)i,
                        ["first"] = i == 0,
                        ["last"] = i == items.Count - 1,
                        ["length"] = (long)items.Count,
                        ["revindex"] = (long)(items.Count - i), ["revindex0"] = (long)(items.Count - i - 1),
                        ["previtem"] = i > 0 ? items[i - 1] : JinjaValues.Undefined,
                        ["nextitem"] = i + 1 < items.Count ? items[i + 1] : JinjaValues.Undefined,
                    },
                };
                body(turn, text);
            }
        };
    }

    private static Statement Set(JinjaExpressions tag)
    {
        string name = tag.Name();
        string? member = tag.Skip(".") ? tag.Name() : null;
        tag.Expect("=");
        JinjaExpressions.Expression value = tag.Read();
        tag.End();
        return (scope, _) =>
        {
            if (member is null)
                scope[name] = value(scope);
            else if (scope[name] is Dictionary<string, object?> space)
                space[member] = value(scope);
            else
                throw new JinjaException($"{name} is not a namespace");
        };
    }
}
