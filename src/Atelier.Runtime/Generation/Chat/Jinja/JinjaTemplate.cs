using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// A template in the subset of Jinja that most chat templates use, with the settings of Hugging Face's tools:
/// trim_blocks removes the line end after a tag, lstrip_blocks the spaces before it. Unsupported syntax is an error and
/// is never ignored.
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

    /// <summary>Parses a template.</summary>
    /// <exception cref="JinjaException">The template is damaged or uses unsupported syntax.</exception>
    public static JinjaTemplate Parse(string template) =>
        template.Length <= LongestTemplate ? new JinjaTemplate(template) : throw new JinjaException("it is too long");

    /// <summary>Renders the template.</summary>
    /// <exception cref="JinjaException">The template cannot be rendered with these variables.</exception>
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
            bool isOutput = kind == "{{";
            if (inside.StartsWith('-'))
                plain = plain.TrimEnd();
            else if (!isOutput && !inside.StartsWith('+') && BeginsLine(template, tag))
                plain = plain.TrimEnd(' ', '\t');
            stripsStart = inside.Length > 1 && inside.EndsWith('-');
            dropsLineEnd = !isOutput && !inside.EndsWith('+');
            if (plain.Length > 0)
                parts.Add(("", plain));
            if (kind != "{#")
                parts.Add((kind, Unmarked(inside, isOutput)));
            at = end + 2;
        }
        return parts;
    }

    /// <summary>Returns the code inside a tag without its whitespace-control marks.</summary>
    private static string Unmarked(string inside, bool isOutput)
    {
        int start = inside.StartsWith('-') || (!isOutput && inside.StartsWith('+')) ? 1 : 0;
        int end = inside.Length - (inside.EndsWith('-') || (!isOutput && inside.EndsWith('+')) ? 1 : 0);
        return start < end ? inside[start..end] : "";
    }

    private static int NextTag(string template, int at)
    {
        int last = template.Length - 1;
        int tag = template.IndexOf('{', at);
        for (; tag >= 0 && tag < last; tag = template.IndexOf('{', tag + 1))
        {
            if (template[tag + 1] is '{' or '%' or '#')
                return tag;
        }
        return -1;
    }

    /// <summary>Returns whether only spaces precede a tag on its line.</summary>
    private static bool BeginsLine(string template, int tag)
    {
        int at = tag - 1;
        while (at >= 0 && template[at] is ' ' or '\t')
            at--;
        return at < 0 || template[at] == '\n';
    }

    /// <summary>Returns the position of a tag's closing mark, ignoring strings.</summary>
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

    /// <summary>
    /// Parses the statements up to a tag that ends the block and returns that tag; null at the end of the template.
    /// </summary>
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
            statements.Add(tag.Skip("if") ? If(tag)
                : tag.Skip("for") ? For(tag)
                : tag.Skip("set") ? Set(tag)
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
                var iteration = new JinjaScope(scope)
                {
                    [name] = items[i],
                    ["loop"] = new Dictionary<string, object?>
                    {
                        ["index"] = i + 1L,
                        ["index0"] = (long)i,
                        ["first"] = i == 0,
                        ["last"] = i == items.Count - 1,
                        ["length"] = (long)items.Count,
                        ["revindex"] = (long)(items.Count - i),
                        ["revindex0"] = (long)(items.Count - i - 1),
                        ["previtem"] = i > 0 ? items[i - 1] : JinjaValues.Undefined,
                        ["nextitem"] = i + 1 < items.Count ? items[i + 1] : JinjaValues.Undefined,
                    },
                };
                body(iteration, text);
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
