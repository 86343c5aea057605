using Atelier.Generation.Chat.Jinja;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>
/// What templates write; expected texts are those of the npm package @huggingface/jinja 0.5.11, and by Jinja's
/// documentation where that differs.
/// </summary>
public sealed class JinjaTemplateTests
{
    [Theory]
    [InlineData("a\n  {% if true %}\n  b {{ 1 + 2 }}\n  {%- endif %}\n   {# note #}\nc\n", "a\n  b 3c")]
    [InlineData("{% set n = namespace(x=1) %}{% for i in [3, 4] %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}", "8")]
    [InlineData("{% set x = 1 %}{% for i in [3] %}{% set x = 2 %}{% endfor %}{{ x }}", "1")]
    [InlineData("{{ 'x' in 'axb' and 3 > 2 }} {{ [1,2]|length }} {{ words[-1]|upper if words else 'no' }}",
        "True 2 TWO")]
    [InlineData("{%- for w in words -%} {{ loop.index }}{{ w }}{{ ', ' if not loop.last }} {%- endfor -%}",
        "1one, 2two")]
    [InlineData("{{ 'a' + ' b ' | trim + 'c' }}", "abc")]
    [InlineData("{{ 'a' ~ 1 ~ none }}", "a1None")]
    [InlineData("{{ missing }}{{ missing is defined }}{{ missing | default('x') }}", "Falsex")]
    [InlineData("{{ words[1:] | join('-') }}{{ words[:1][0][1:] }}", "twone")]
    [InlineData("{{ not false == true }}{{ 1 != 2 }}{{ -3 % 2 }}{{ 7 // 2 }}{{ 2 * 3 - 1 }}", "TrueTrue135")]
    [InlineData("{{ 9007199254740993 // 1 }} {{ -7 // 2 }} {{ -6 // 2 }}", "9007199254740993 -4 -3")]
    [InlineData("{{ 'don\\'t' }}{{ \"\\n\" }}{{ 'a' 'b' }}", "don't\nab")]
    [InlineData("{{ m.role }}{{ m['content'].strip().upper() }}{{ m.get('x', 'y') }}{{ 'role' in m }}", "userHIyTrue")]
    [InlineData("{% if false %}a{% elif 1 == 1 %}b{% else %}c{% endif %}", "b")]
    [InlineData("{{ '{{' }}{{ '%}' }}", "{{%}")]
    [InlineData("  {%+ if true %}x{% endif %}\n", "  x")]
    [InlineData("{{ 1.5 }}{{ words }}", "1.5['one', 'two']")]
    [InlineData("{{ words | tojson }}", "[\"one\", \"two\"]")]
    [InlineData("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f('a') }}", "<a>")]
    [InlineData("{% for x in 'text' %}{{ x }}.{% endfor %}", "t.e.x.t.")]
    public void A_template_writes_what_jinja_writes(string template, string expected) =>
        Render(template).ShouldBe(expected);

    [Theory]
    [InlineData("{{ x")]
    [InlineData("{% if true %}")]
    [InlineData("{% for x in words %}{% if true %}{% endfor %}")]
    [InlineData("{{ missing.inner }}")]
    [InlineData("{{ 'a' + 1 }}")]
    [InlineData("{% break %}")]
    [InlineData("{{ raise_exception('no') }}")]
    [InlineData("{{ words | unheard_of }}")]
    [InlineData("{{ words is unheard_of }}")]
    [InlineData("{{ words.append('x') }}")]
    [InlineData("{{ words.GetType().Name }}")]
    [InlineData("{% include 'x' %}")]
    public void What_is_not_read_is_an_error_and_never_passed_over(string template) =>
        Should.Throw<JinjaException>(() => Render(template));

    [Fact]
    public void A_template_of_a_stranger_ends_soon_and_takes_little_memory()
    {
        string loops = string.Concat(Enumerable.Repeat("{% for a in [1,2,3,4,5,6,7,8,9,10] %}", 12)) + "x"
            + string.Concat(Enumerable.Repeat("{% endfor %}", 12));
        const string doubled =
            "{% set n = namespace(x='abcdefgh') %}{% for a in [1,2,3,4,5,6,7] %}{% for b in [1,2,3,4,5,6,7] %}{% set "
                + "n.x = n.x + n.x %}{% endfor %}{% endfor %}";
        foreach (string template in (string[])[loops, doubled, new string('(', 100_000),
            "{{" + new string('(', 100_000), "{{" + new string('-', 100_000) + "1}}",
            "{{" + string.Join('+', Enumerable.Repeat("1", 100_000)) + "}}",
                string.Concat(Enumerable.Repeat("{% if true %}", 20_000))])
        {
            try
            {
                Render(template);
            }
            catch (JinjaException e)
            {
                e.IsRaised.ShouldBeFalse();
            }
        }
    }

    private static string Render(string template) =>
        JinjaTemplate.Parse(template).Render(new Dictionary<string, object?>
    {
        ["words"] = new List<object?> { "one", "two" },
        ["m"] = new Dictionary<string, object?> { ["role"] = "user", ["content"] = " hi " },
    });
}
