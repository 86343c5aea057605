using System.Text;
using System.Text.Json;
using Atelier.Generation.Chat.Jinja;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>
/// Templates of strangers end, with a text or with one line, whatever they contain. Their time is measured by what
/// they allocate, which grows with their steps and does not depend on the machine.
/// </summary>
public sealed class JinjaFuzzTests
{
    private const int Spoiled = 10_000;
    private const long MostBytes = 1L << 31; // allocated by one template, nearly all of it collected at once

    [Fact]
    public void Ten_thousand_spoiled_templates_give_a_text_or_one_line()
    {
        using JsonDocument golden = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "jinja.json")));
        var variables = (IReadOnlyDictionary<string, object?>)JinjaGoldenTests.Value(
            golden.RootElement.GetProperty("variables"))!;
        string[] templates = [.. golden.RootElement.GetProperty("cases").EnumerateArray()
            .Select(item => item[0].GetString()!)];
        var random = new Random(11);
        int rendered = 0, refused = 0;
        for (int i = 0; i < Spoiled; i++)
        {
            string template = Spoil(templates, random);
            if (Run(template, variables) is null)
                refused++;
            else
                rendered++;
        }
        rendered.ShouldBeGreaterThan(Spoiled / 50);
        refused.ShouldBeGreaterThan(Spoiled / 5);
    }

    public static TheoryData<string> Explosions =>
    [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set n = namespace(x='ab') %}{% for i in range(100) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x=[1]) %}{% for i in range(100) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x=[]) %}{% for i in range(90000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x=[]) %}{% for i in range(90000) %}{% set n.x = [n.x, n.x] %}{% endfor %}"
            + "{{ n.x | tojson }}",
        "{% set n = namespace(x=1) %}{% for i in range(60) %}{% set n.x = {'a': n.x, 'b': n.x} %}{% endfor %}"
            + "{{ n.x == n.x }}",
        "{% set n = namespace(x=1) %}{% for i in range(60) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ n.x | string }}",
        "{% set n = namespace() %}{% set n.n = n %}{{ n.n.n.n }}",
        "{% set n = namespace() %}{% set n.x = [n] %}{{ n.x | tojson }}",
        "{{ 'a' * 999999999 * 999999999 }}",
        "{{ [1] * 999999999999 }}",
        "{{ ('a' * 1000000) | list | length }}{{ ('b' * 30000000) | upper | length }}",
        "{{ ('a' * 100000).replace('a', 'a' * 100000) }}",
        "{{ ('a' * 1000000).split('a') | join('b' * 1000000) }}",
        "{{ ('a' * 10000).join(['b'] * 10000) }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ '{:>999999999}'.format('a') }}",
        "{{ 'a'.ljust(999999999999) }}{{ 'a' | center(999999999999) }}",
        "{{ 'a\nb' | indent(999999999) }}",
        "{{ [{'a': 1}] * 1000 | tojson(indent=100000000) }}",
        "{{ range(99999) | batch(1) | list | length }}{{ [1] | batch(999999999, 'x') | list }}",
        "{{ [1] | slice(999999999) | list }}",
        "{{ range(0, 9223372036854775807) }}",
        "{{ range(-9223372036854775807, 9223372036854775807, 1) | sum }}",
        "{{ 9 ** 9 ** 9 ** 9 }}{{ 2 ** 99999999999 }}",
        "{{ -9223372036854775808 // -1 }}{{ (-9223372036854775807 - 1) % -1 }}{{ -(-9223372036854775807 - 1) }}",
        "{{ 1.5 | round(999999999) }}{{ 1e308 * 10 }}{{ (1e308 * 10) | int }}",
        "{{ range(3000) | map('string') | unique | list | length }}{{ range(90000) | unique | list }}",
        "{% for a in range(90000) %}{{ range(90000) | sort | length }}{% endfor %}",
        "{% for a in range(90000) %}{{ 'x' * 30000 in 'y' * 30000 }}{% endfor %}",
        "{% for a in range(90000) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{% set c %}{{ a }}{% endset %}{% endfor %}{% endfor %}",
        "{{ strftime_now('%Y' * 9999999) }}",
        "{{ raise_exception('x' * 999999) }}",
        "{{ '" + new string('x', 1 << 21) + "' }}",
    ];

    [Theory]
    [MemberData(nameof(Explosions))]
    public void What_would_explode_gives_a_text_or_one_line(string template) =>
        Run(template, new Dictionary<string, object?>());

    [Fact]
    public void Deep_nesting_gives_one_line_on_a_small_stack_too()
    {
        (string Open, string Middle, string Close)[] kinds =
        [
            ("(", "1", ")"), ("[", "1", "]"), ("{1:", "1", "}"), ("x(", "1", ")"), ("x[", "1", "]"), ("-", "1", ""),
            ("not ", "1", ""), ("1 if 1 else ", "1", ""), ("1 + ", "1", ""), ("", "x", ".y"), ("", "x", "()"),
            ("", "x", " | trim"), ("", "x", " is none"), ("1 ** ", "1", ""), ("1 < ", "1", ""), ("x is in ", "x", ""),
            ("x and ", "1", ""), ("1 ~ ", "1", ""),
        ];
        List<string> templates = [.. kinds.SelectMany(kind => ((int[])[90, 3000, 100_000]).Select(depth =>
            "{{ " + Times(kind.Open, depth) + kind.Middle + Times(kind.Close, depth) + " }}"))];
        string[] tags = ["if 1", "for x in 'a'", "with", "filter trim", "set x", "macro f()", "call f()"];
        foreach (string tag in tags)
        {
            foreach (int depth in (int[])[90, 3000, 20_000])
                templates.Add(Times("{% " + tag + " %}", depth) + Times("{% end" + tag.Split(' ')[0] + " %}", depth));
        }
        templates.Add("{% set " + Times("(", 50_000) + "a" + Times(")", 50_000) + " = 1 %}");
        templates.Add(Times("{% if 1 %}", 20_000));
        templates.Add("{% if 0 %}" + Times("{% elif 0 %}", 50_000) + "{% endif %}");
        var thread = new Thread(() => templates.ForEach(template => Run(template, new Dictionary<string, object?>())),
            maxStackSize: 1 << 18);
        thread.Start();
        thread.Join();

        static string Times(string text, int count) => new StringBuilder().Insert(0, text, count).ToString();
    }

    private static string? Run(string template, IReadOnlyDictionary<string, object?> variables)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string? text = null;
        string shown = template.Length > 200 ? template[..200] : template;
        try
        {
            text = JinjaTemplate.Parse(template).Render(variables, new JinjaGoldenTests.FixedClock());
            text.Length.ShouldBeLessThanOrEqualTo(JinjaRun.MostOutput, shown);
        }
        catch (JinjaException e)
        {
            e.Message.ShouldNotContain('\n', shown);
            e.Message.Length.ShouldBeLessThan(500, shown);
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(MostBytes, shown);
        return text;
    }

    /// <summary>Cuts, swaps, doubles or replaces parts of a template, or joins parts of two.</summary>
    private static string Spoil(string[] templates, Random random)
    {
        const string signs = "{}%#-+|()[]'\"\\\n.,:=<>*/~ \u2028\ud83d\0x0aé";
        string[] words = ["{%", "%}", "{{", "}}", "for", "in", "endfor", "if", "set", "range(99999)", "*99999999", "'",
            "|tojson", "|list", "loop", "macro", "namespace", "{% raw %}", "{#"];
        var text = new StringBuilder(templates[random.Next(templates.Length)]);
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(text.Length + 1), length = Math.Min(random.Next(12), text.Length - at);
            switch (random.Next(6))
            {
                case 0:
                    text.Remove(at, length);
                    break;
                case 1:
                    text.Insert(at, signs[random.Next(signs.Length)]);
                    break;
                case 2:
                    text.Insert(at, words[random.Next(words.Length)]);
                    break;
                case 3:
                    text.Insert(random.Next(text.Length + 1), text.ToString(at, length));
                    break;
                case 4:
                    string other = templates[random.Next(templates.Length)];
                    text.Insert(at, other[random.Next(other.Length + 1)..]);
                    break;
                default:
                    for (int i = 0; i < length; i++)
                        text[at + i] = signs[random.Next(signs.Length)];
                    break;
            }
        }
        return text.ToString();
    }
}
