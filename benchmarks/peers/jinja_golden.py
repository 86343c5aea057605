"""Writes tests/Atelier.Tests/Golden/jinja.json: small templates as Python's Jinja2 renders them.

Usage: python3 jinja_golden.py > tests/Atelier.Tests/Golden/jinja.json

Needs the package Jinja2 (3.1.6). The settings are those with which Hugging Face's transformers renders chat templates:
an immutable sandbox, trim_blocks, lstrip_blocks, loop controls, a tag "generation", tojson by json.dumps without
escapes, and the functions raise_exception and strftime_now. Templates that fail have no output. Each line of
jinja_expressions.txt is rendered as "{{ expression }}".
"""
import datetime
import json
import pathlib
import sys

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 3, 5, 14, 7, 9)

VARIABLES = {
    "words": ["one", "two", "Three"],
    "numbers": [3, -1, 2, 10],
    "mixed": [1, "a", None, True, 2.5, [1, 2], {"k": "v"}],
    "empty": [],
    "m": {"role": "user", "content": " hi ", "n": 3, "items": "shadow", "none": None},
    "nested": {"b": {"x": [1, {"y": "deep"}]}, "a": "<&'\">", "C": 1.5},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi!\nThere"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello."},
        {"role": "user", "content": [{"type": "text", "text": "part"}, {"type": "image"}]},
    ],
    "people": [
        {"name": "Bo", "age": 3, "home": {"city": "Oslo"}},
        {"name": "al", "age": 30, "home": {"city": "Bern"}},
        {"name": "Cy", "age": 3, "home": {"city": "oslo"}},
    ],
    "text": "The quick brown fox\njumps over\n\n  the lazy dog.  ",
    "unicode": "Gr\u00fc\u00dfe \u4f60\u597d \U0001f600\u00e9",
    "x": 7,
    "f": 2.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "tools": [{"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"]}}}],
}

TEMPLATES = [
    "a\n  {% if yes %}\n  b {{ 1 + 2 }}\n  {%- endif %}\n   {# note #}\nc\n",
    "a\n\n", "a\n\n\n", "", "\n", " {{ x }} \n", "{{ x }}\n{{ x }}\n",
    "{% if yes %}\n\nx\n{% endif %}\n\ny",
    "  {%+ if yes %}x{% endif %}\n", "  {%- if yes -%}  x  {%- endif -%}  y", "{% if yes +%}\nx{% endif %}",
    "a {#- c -#} b", "a\n {# c #}\n b", "a {# c +#}\nb", "{# {{ x }} {% if %} #}z", "{##}x", "{#-#}x",
    "{{- x -}}  y", "a  {{- x }}", "a  {{ x -}}  b", "a\n  {{ x }}\n  b",
    "a\t {% if yes %} b {% endif %}\t c", "a {% if yes %}\n  b\n  {% endif %} c\nd",
    "{% raw %}{{ x }}{% if %}{% endraw %}", "{% raw -%}  {{ x }}  {%- endraw %}", "  {% raw %}\n  a\n  {% endraw %}\n b",
    "{%- raw %} {% {% endraw -%}  z",
    "{% for w in words %}{{ w }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for w in words %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}"
    "{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for w in words %}{{ loop.cycle('a', 'b') }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}",
    "{% for p in people %}{{ loop.changed(p.age) }}{% endfor %}",
    "{% for w in empty %}x{% else %}none{% endfor %}", "{% for w in words %}x{% else %}none{% endfor %}",
    "{% for w in words if w != 'two' %}{{ loop.index }}{{ w }}{% endfor %}",
    "{% for w in words if false %}x{% else %}none{% endfor %}",
    "{% for k, v in nested.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in nested %}{{ k }}{% endfor %}",
    "{% for k, v in nested | dictsort %}{{ k }}{% endfor %}", "{% for (a, b) in [(1, 2), (3, 4)] %}{{ a + b }}{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}x{% endfor %}",
    "{% for c in 'aé😀' %}{{ c }}.{% endfor %}", "{% for w in 5 %}x{% endfor %}", "{% for w in missing %}x{% else %}e{% endfor %}",
    "{% for w in none %}x{% endfor %}", "{% for i in range(3) %}{% for j in range(2) %}{{ i }}{{ j }}{{ loop.index }} {% endfor %}{{ loop.index }}{% endfor %}",
    "{% for w in words %}{% if w == 'two' %}{% break %}{% endif %}{{ w }}{% endfor %}",
    "{% for w in words %}{% if w == 'two' %}{% continue %}{% endif %}{{ w }}{% endfor %}",
    "{% break %}", "{% for w in words, numbers %}{{ w | length }}{% endfor %}", "{% for w in words %}{{ w }}",
    "{% for w in words[1:] + ['x'] %}{{ w }}{% endfor %}", "{% for w in words | reverse %}{{ w }}{% endfor %}",
    "{% set y = 1 %}{% for w in words %}{% set y = y + 1 %}{{ y }}{% endfor %}{{ y }}",
    "{% set y = 1 %}{% if yes %}{% set y = 2 %}{% endif %}{{ y }}",
    "{% set n = namespace(i=0, s='') %}{% for w in words %}{% set n.i = n.i + 1 %}{% set n.s = n.s ~ w %}{% endfor %}{{ n.i }}{{ n.s }}",
    "{% set n = namespace() %}{{ n.a is defined }}{% set n.a = 1 %}{{ n.a }}", "{% set m.role = 'x' %}", "{% set q.role = 'x' %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}", "{% set (a, b) = [3, 4] %}{{ a }}{{ b }}",
    "{% set a %}  x {{ x }}\n{% endset %}[{{ a }}]", "{% set a | upper | trim %} abc {% endset %}[{{ a }}]",
    "{% set x = x + 1 %}{{ x }}", "{% set words = words + ['z'] %}{{ words | length }}", "{% set a = b = 1 %}",
    "{% set a %}{% set c = 5 %}{% endset %}{{ c is defined }}",
    "{% macro f(a, b='d') %}{{ a }}-{{ b }}{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(b=3, a=4) }}{{ f() }}",
    "{% macro f() %}{{ x }}{% endmacro %}{% set x = 9 %}{{ f() }}", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
    "{% macro f(a) %}{% set y = a %}{{ y }}{% endmacro %}{{ f(1) }}{{ y is defined }}",
    "{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}", "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, k=3) }}",
    "{% macro f(x) -%}  {{ x }}  {%- endmacro %}[{{ f(1) }}]", "{{ f(1) }}{% macro f(a) %}{{ a }}{% endmacro %}",
    "{% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}in{{ x }}{% endcall %}",
    "{% macro f() %}[{{ caller(3) }}]{% endmacro %}{% call(a) f() %}in{{ a }}{% endcall %}",
    "{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f('x') | upper ~ f('y') }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{% set r = f('q') %}{{ r | length }}{{ r is string }}",
    "{% macro a() %}A{% endmacro %}{% macro b() %}{{ a() }}B{% endmacro %}{{ b() }}",
    "{% with a = 1, b = x %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}", "{% with %}{% set a = 1 %}{% endwith %}{{ a is defined }}",
    "{% with a = 1, b = a %}{{ b is defined }}{% endwith %}", "{% filter upper %}a{{ 'b' }}{% endfilter %}",
    "{% filter replace('a', 'x') | upper %}banana{% endfilter %}", "{% filter trim %}  a  {% endfilter %}|",
    "{% generation %}a{{ x }}{% endgeneration %}b", "{% for w in words %}{% generation %}{{ w }}{% endgeneration %}{% endfor %}",
    "{% if no %}a{% elif x == 7 %}b{% else %}c{% endif %}", "{% if no %}a{% elif no %}b{% else %}c{% endif %}", "{% if no %}a{% endif %}",
    "{% if yes %}{% if no %}a{% else %}b{% endif %}{% endif %}", "{% if missing %}a{% else %}b{% endif %}", "{% if 1 %}a{% if %}",
    "{% if empty %}a{% elif words %}b{% endif %}", "{% if x and missing is not defined %}a{% endif %}", "{% if not %}a{% endif %}",
    "{% else %}", "{% endif %}", "{% unknown %}", "{%  %}", "{{ }}", "{{ x", "{% if x", "{# x", "{{ 'x }}", "{{ x }", "{{ x }}}", "{ { x } }", "{",
    "{{ x y }}", "{{ (x }}", "{{ x) }}", "{{ [x }}", "{{ {'a' } }}", "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ x. }}", "{{ .x }}", "{{ x[ }}", "{{ x | }}", "{{ x is }}", "{{ x ! }}", "{{ $ }}", "{{ x.1a }}",
    "{{ f(a=1, 2) }}", "{{ 'a' 'b' }}", "{{ 1 2 }}", "{{ + }}", "{{ not }}", "{{ x if }}", "{{ 1 + }}", "{{ [1, 2 }}",
    "{{ words | join(', ' ) }}{{ ' ' }}{{- 'y' }}", "{{ 'a\nb' }}", "{{\n x\n }}", "{%\n if yes\n %}x{%\n endif\n %}",
    "{{ x }}\r\n{% if yes %}\r\nb{% endif %}\r\n", "a\x0cb\x0b\u2028c",
    "{%- for m in messages %}\n    {%- if m.role == 'user' %}\n        {{- '<|user|>\\n' + (m.content if m.content is string else m.content | length | string) }}\n    {%- else %}\n        {{- '<|' ~ m.role ~ '|>' ~ m.content }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}{{ '<|assistant|>' }}{%- endif %}",
    "{% for m in messages %}\n{% if m['role'] == 'user' %}\n{{ 'U: ' + m['content'] | string }}\n{% elif m['role'] == 'system' %}\n{{ 'S: ' + m['content'] }}\n{% endif %}\n{% if loop.last %}\n{{ 'A:' }}\n{% endif %}\n{% endfor %}\n",
    "{%- set ns = namespace(last=-1) -%}{%- for m in messages[::-1] -%}{%- set index = (messages | length - 1) - loop.index0 -%}{%- if ns.last < 0 and m.role == 'user' and m.content is string -%}{%- set ns.last = index -%}{%- endif -%}{%- endfor -%}{{ ns.last }}",
    "{%- if tools is not none %}{{- '# Tools\\n' }}{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}{%- endif %}",
    "{%- macro param(name, spec) -%}{{ name }}: {{ spec.type }}{%- if not loop_last %},{% endif -%}{%- endmacro -%}{%- for t in tools %}{%- for n, s in t.function.parameters.properties.items() %}{{ param(n, s) }} {% endfor %}{% endfor %}",
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system = false %}{% endif %}{{ loop_messages | length }}{{ system }}",
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns') }}{% endif %}{% endfor %}",
    "{% set today = strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' %}{{ today }}",
    "{{ 'a' if x > 3 }}{{ 'b' if x < 3 }}|", "{% set a = 'x' if no %}{{ a }}|{{ a is defined }}",
    "{% for w in words %}{% for w in numbers %}{{ w }}{% endfor %}{{ w }}{% endfor %}", "{{ loop }}", "{% for w in words %}{{ loop.index is odd }}{% endfor %}",
    "{% for w in words %}{% set last = loop.last %}{{ last }}{% endfor %}{{ last is defined }}",
    "{% set a = [] %}{% for w in words %}{% set a = a + [w] %}{% endfor %}{{ a }}", "{% set d = dict(nested, z=1) %}{{ d | length }}{{ nested | length }}",
    "{% set j = joiner(', ') %}{% for w in words %}{{ j() }}{{ w }}{% endfor %}", "{{ 5 is defined }}{{ 'a'.b is defined }}",
    "{% for k, v in m.items() if v is string %}{{ k }}{% endfor %}", "{% for a in m %}{{ a }}{{ m[a] }};{% endfor %}",
    "{%- for x in [1,2,3] -%}{%- if x == 2 -%}{%- continue -%}{%- endif -%}{{ x }}{%- endfor -%}{{ x }}",
    "{% set x %}{% for w in words %}{{ w }}{% endfor %}{% endset %}{{ x }}", "{{ [1, 2, 3] | map('string') | join }}",
    "{% macro f(d) %}{% for k, v in d | items %}{{ k }}{{ f(v) if v is mapping else v }}{% endfor %}{% endmacro %}{{ f({'a': {'b': 1}}) }}",
    "{% set ns = namespace(a={'x': 1}) %}{{ ns.a.x }}{{ ns['a'] }}", "{{ namespace({'a': 1}, b=2).b }}",
    "{% call f() %}{% endcall %}", "{% macro %}{% endmacro %}", "{% set %}", "{% for %}{% endfor %}", "{% for x of y %}{% endfor %}", "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}",
    "{{ ''.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ m.__class__ }}", "{{ words.__len__() }}", "{{ f.__globals__ }}",
]


class Generation(Extension):
    """The tag of transformers that marks an answer."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("write"), [], [], body).set_lineno(line)

    def write(self, caller):
        return caller()


def environment():
    """Returns an environment with the settings of transformers."""
    def raise_exception(message):
        raise TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                         extensions=[Generation, "jinja2.ext.loopcontrols"])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return made


def render(template, variables):
    """Returns what a template writes, or None if it fails."""
    try:
        return environment().from_string(template).render(**variables)
    except Exception:
        return None


def main():
    lines = (pathlib.Path(__file__).parent / "jinja_expressions.txt").read_text(encoding="utf-8").splitlines()
    expressions = ["{{ " + line + " }}" for line in lines]
    cases = [[template, render(template, VARIABLES)] for template in expressions + TEMPLATES]
    sys.stdout.write('{"variables": ' + json.dumps(VARIABLES) + ',\n "cases": [\n')
    sys.stdout.write(",\n".join(json.dumps(case) for case in cases) + "\n]}\n")


if __name__ == "__main__":
    main()
