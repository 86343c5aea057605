"""Writes tests/Atelier.Tests/Golden/jinja.json: small templates as Python's Jinja2 renders them.

Usage: python3 jinja_golden.py > tests/Atelier.Tests/Golden/jinja.json

Needs the package Jinja2 (3.1.6). The settings are those with which Hugging Face's transformers renders chat templates:
an immutable sandbox, trim_blocks, lstrip_blocks, loop controls, a tag "generation", tojson by json.dumps without
escapes, and the functions raise_exception and strftime_now. Templates that fail have no output. Lines of EXPRESSIONS
are each rendered as "{{ expression }}".
"""
import datetime
import json
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

EXPRESSIONS = r"""
1 + 2 * 3 - 4 // 3
7 / 2
-7 // 2
-7 % 3
7 % -3
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
7.5 // 2
7.5 % 2
1e3
1.5e-7
1e16
123456789.125
0.1 + 0.2
1_000 + 1
10 / 5
3 * 'ab'
'ab' * 0
[1] * 3
[1, 2] + [3]
(1, 2) + (3,)
(1,)
()
'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1, 'b']
'a' + 1
1 + none
none + none
-none
1 / 0
1 // 0
1 % 0
not 1 == 2
not true
not not 3
1 < 2 < 3
1 < 3 < 2
1 == 1.0
true == 1
'1' == 1
none == false
[1, 2] == [1, 2]
(1, 2) == [1, 2]
{'a': 1} == {'a': 1}
'a' < 'B'
'a' < 1
[1, 2] < [1, 3]
[1, 2] < [1]
2 in [1, 2]
'b' in 'abc'
'role' in m
1 in 'abc'
1 in 5
3 not in [1, 2]
'x' not in missing
1 if false
1 if true else 2
(1 if no else 2) if yes else 3
'a' if no else 'b' if no else 'c'
yes and 3
no and 3
no or 'x'
yes or 'x'
'' or 0 or [] or 'end'
nothing or 'fallback'
missing
missing.inner
missing['inner']
missing + 1
missing ~ 'x'
missing == missing2
missing is defined
missing is undefined
m.missing is defined
m.missing.deeper
none.x
none.x.y
x.y
m.role
m['role']
m['items']
m['none'] is none
m.get('role')
m.get('absent')
m.get('absent', 'd')
m.get('none', 'd') is none
m.keys() | list
m.values() | list | length
m.items() | list
nested.b.x[1].y
nested['b']['x'][-1]['y']
nested.b.x.0
words[0]
words[-1]
words[5]
words[5] is defined
words[1:]
words[:-1]
words[::2]
words[::-1]
words[-2:]
words[5:]
words[2:0:-1]
words[0:2]
words[:]
'abcdef'[1:4]
'abcdef'[::-1]
'abcdef'[-1]
'abcdef'[9]
unicode[8]
unicode[6:]
unicode | length
(1, 2, 3)[1:]
{'a': 1, 'b': [2, 'c']}
{'a': {'b': none}}
[1, 2.0, 'x', none, true, [], {}]
['it\'s', "say \"x\"", 'a\nb\t\\', 'both \' and "']
['ü', '\x01', '\u200b', '\xa0']
"it's"
'tab\there'
'\x41\u00e9\101'
'a' 'b' "c"
'a\qb'
1.0
1.25
-0.0
100000000000000000000.0
0.00001
3.0 * 2
1 == 2 or 3 > 2 and not false
text | upper | length
-x | abs
-3 | abs
x is divisibleby 7
x is divisibleby(2)
x is odd and x is not even
words is iterable and words is sequence and words is not mapping
m is mapping
m is sequence
m is iterable
'a' is string and 1 is not string
1 is number and 1.5 is number and true is number
1 is integer and true is not integer and 1.5 is not integer
1.5 is float and 1 is not float
true is boolean and 1 is not boolean
true is true and 1 is not true
false is false and 0 is not false
none is none
nothing is none
5 is none
x is sameas 7
x is eq 7
x is equalto 7
x is == 7
x is ne 8
x is gt 6
x is ge 7
x is lt 8
x is le 7
x is greaterthan 6
x is lessthan 8
x is in [1, 7]
'ab' is lower and 'AB' is upper
'a' is undefinedtest
raise_exception is callable
x is callable
'upper' is filter
'odd' is test
missing is string
missing is iterable
missing is none
1 is in [1]
'abc' is in 'abcd'
'  a b '.strip()
'xxaxx'.strip('x')
'  a '.lstrip() ~ '|'
'  a '.rstrip() ~ '|'
'\n\na\n'.strip('\n')
'xyxa'.lstrip('xy')
'Hello'.upper() ~ 'Hello'.lower()
'hello world'.title()
"they're bill's".title()
'hELLO'.capitalize()
'Hello'.swapcase()
'a,b,c'.split(',')
'a,b,c'.split(',', 1)
'a,b,c'.split(',')[-1]
'a,b,c'.rsplit(',', 1)
' a  b c '.split()
' a  b c '.split(none, 1)
' a  b c '.rsplit(none, 1)
'a b '.split(none, 1)
'   '.split()
'abc'.split('')
''.split(',')
''.split()
'a\nb\r\nc\n'.splitlines()
'a\nb'.splitlines(true)
'a-b-c'.partition('-')
'a-b-c'.rpartition('-')
'abc'.partition('-')
'hello'.startswith('he')
'hello'.startswith(('x', 'h'))
'hello'.endswith('lo')
'hello'.startswith(1)
'a.b'.replace('.', '-')
'aaa'.replace('a', 'b', 2)
'abc'.replace('', '-')
'-'.join(words)
'-'.join([1, 2])
'hello'.find('l') ~ 'hello'.find('z')
'hello'.rfind('l')
'hello'.find('l', 3)
'hello'.index('l')
'hello'.index('z')
'hello'.count('l')
'hello'.isdigit() ~ '12'.isdigit()
'ab'.isalpha() ~ 'a1'.isalnum() ~ ' '.isspace() ~ 'AB'.isupper() ~ 'ab'.islower() ~ ''.isalpha()
'5'.zfill(3) ~ '-5'.zfill(4)
'ab'.ljust(4) ~ '|' ~ 'ab'.rjust(4, '.') ~ '|' ~ 'ab'.center(5) ~ '|' ~ 'abc'.center(6, '*')
'prefix-x'.removeprefix('prefix-')
'x.txt'.removesuffix('.txt')
'{} and {}'.format('a', 1)
'{0}{1}{0}'.format('a', 'b')
'{name}!'.format(name='Bo')
'{:.2f}'.format(3.14159)
'{:5d}|{:<5}|{:>5}|{:^5}|{:05d}'.format(42, 'a', 'b', 'c', 42)
'{{}}'.format()
'{:,}'.format(1234567)
'{}'.format()
'%s is %d' % ('x', 3)
'%s' % 'one'
'%05d|%.2f|%-4s|%5s|%%' % (42, 3.14159, 'a', 'b')
'%d' % 3.9
'%s %s' % ('x',)
[1, 2, 3].index(2)
[1, 2, 2].count(2)
words.append('x')
m.update({'a': 1})
m.pop('role')
'  trimmed ' | trim
'xxaxx' | trim('x')
5 | trim
words | join
words | join(', ')
numbers | join('-')
people | join(', ', attribute='name')
mixed | join('|')
words | first
words | last
empty | first
empty | last | default('none')
'abc' | first ~ 'abc' | last
words | length
words | count
m | length
5 | length
missing | length
missing | default('d')
missing | d('d')
'' | default('d')
'' | default('d', true)
nothing | default('d')
nothing | default('d', boolean=true)
missing | default
words | upper
'straße' | upper
'ABC' | lower
'hello there' | capitalize
"hello there-you (all) it's" | title
'a.b.a' | replace('a', 'x')
'aaa' | replace('a', 'x', 1)
5 | replace('5', '6')
m | tojson
mixed | tojson
nested | tojson
nested | tojson(indent=2)
nested | tojson(indent=4, sort_keys=true)
{'b': 1, 'a': 2} | tojson(sort_keys=true)
unicode | tojson
unicode | tojson(ensure_ascii=true)
unicode | tojson(true)
[] | tojson(indent=2)
{} | tojson(indent=2)
[[], {}] | tojson(indent=1)
[1, 2] | tojson(separators=(',', ':'))
{'a': [1]} | tojson(separators=(',', ':'), indent=2)
[1, 2] | tojson(indent='\t')
[1, 2] | tojson(indent=0)
missing | tojson
'a"b\\c\n\t\x01\x7f/' | tojson
1.0 | tojson
1e20 | tojson
tools[0] | tojson
tools | tojson(indent=4)
[1, 2] | list
'abc' | list
m | list
{'a': 1} | items | list
{'a': 1}.items() | list
missing | items | list
5 | items | list
5 | string ~ none | string
[1] | string
'42' | int
'4.7' | int
'x' | int
'x' | int(9)
'ff' | int(base=16)
'0x1F' | int(0, 16)
3.9 | int
-3.9 | int
none | int
true | int
'2.5' | float
'x' | float
'x' | float(1.5)
3 | float
2.5 | round
3.5 | round
2.675 | round(2)
2.5 | round(0, 'ceil')
2.5 | round(0, 'floor')
2.123 | round(2, 'ceil')
42 | round
1234.5 | round(-2)
0.125 | round(2)
1e-10 | round(3)
words | reverse | list
'abc' | reverse
numbers | sort
numbers | sort(reverse=true)
words | sort
words | sort(case_sensitive=true)
people | sort(attribute='age') | map(attribute='name') | list
people | sort(attribute='age', reverse=true) | map(attribute='name') | list
people | sort(attribute='age,name') | map(attribute='name') | list
people | sort(attribute='home.city') | map(attribute='name') | list
mixed | sort
['b', 'A', 'a', 'B'] | unique | list
['b', 'A', 'a', 'B'] | unique(case_sensitive=true) | list
people | unique(attribute='age') | map(attribute='name') | list
words | map('upper') | list
words | map('replace', 'o', '0') | list
people | map(attribute='home.city') | join(',')
people | map(attribute='absent', default='-') | join(',')
people | map(attribute='absent') | list
words | map('nofilter') | list
numbers | select('gt', 2) | list
numbers | select('odd') | list
mixed | select | list
mixed | reject | list
numbers | reject('gt', 2) | list
people | selectattr('age', 'equalto', 3) | map(attribute='name') | list
people | selectattr('age') | list | length
people | rejectattr('age', 'gt', 5) | map(attribute='name') | list
messages | selectattr('role', 'equalto', 'user') | list | length
messages | selectattr('tool_calls', 'defined') | list
messages | rejectattr('role', 'in', ['system', 'user']) | map(attribute='role') | list
numbers | sum
people | sum(attribute='age')
people | sum('age', 10)
words | sum
numbers | min ~ numbers | max
words | min ~ words | max
empty | max
people | min(attribute='age')
nested | dictsort | map('first') | list
nested | dictsort(true) | map('first') | list
{'a': 2, 'b': 1} | dictsort(by='value')
{'a': 2, 'b': 1} | dictsort(false, 'key', true)
[1, 2, 3, 4, 5] | batch(2) | list
[1, 2, 3, 4, 5] | batch(2, 'x') | list
[1, 2, 3, 4, 5] | slice(2) | list
[1, 2, 3, 4, 5] | slice(3, 'x') | list
[1, 2] | slice(3) | list
people | groupby('age') | map('first') | list
'<a href="x">&\'</a>' | escape | length
'<b>' | e ~ ''
'<b>' | safe
text | indent
text | indent(2)
text | indent(2, true)
text | indent(width=3, blank=true)
text | indent('> ')
'a\n' | indent
text | wordcount
text | truncate(20)
'short' | truncate(3)
'a longer text than that' | truncate(10, true)
'a longer text than that' | truncate(10, false, '', 0)
'x' | center(5) ~ '|'
'%s-%s' | format('a', 2)
'a b/c?d=ü&e' | urlencode
m | attr('absent')
m | attr('role')
'a' | nofilter
range(3) | list
range(1, 4) | list
range(5, 0, -2) | list
range(0) | list
range(1, 2, 0)
range(1000000) | list
dict(a=1, b='x')
dict({'a': 1}, b=2)
dict([('a', 1)])
namespace(a=1).a
strftime_now('%Y-%m-%d %H:%M:%S')
strftime_now('%d %b %Y, %A %B %-d %j %I %p %y %a')
strftime_now('%e|%F|%T|%D|%R|%w|%u|%%')
raise_exception('no')
nofunction()
words()
loop
m.role.upper().lower().capitalize()
(words | join(',')).split(',')[1]
words | map('length') | sum
[words, numbers] | map('first') | list
words | join(', ') | upper | replace('O', '0')
'a' if words | length > 2 else 'b'
x + words | length
'-' * 3 ~ '>'
-x ** 2
(-x) ** 2
[1, 2, 3,]
{'a': 1,}
1 if x is odd else 0
not x is odd
x is not none and x > 3
m.content.strip() == 'hi'
'%' ~ '}' ~ '}'
'{{' ~ '%}'
messages[-1].content[0]['text']
messages[2]['content'].split('</think>')[-1].lstrip('\n')
'think' in messages[2].content and '</think>' in messages[2].content
messages[1:] | map(attribute='role') | join(',')
messages[::-1][0].role
messages | map(attribute='role') | unique | join('/')
(messages | first).role ~ (messages | last).role
unicode | upper
unicode.split(' ')
unicode | list
unicode | title
words | string | length
tools | selectattr('type', 'equalto', 'function') | map(attribute='function.name') | join
tools[0].function.parameters.properties | dictsort
tools[0].function.parameters.properties.items() | list | length
"""

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
    expressions = ["{{ " + line + " }}" for line in EXPRESSIONS.strip().split("\n")]
    cases = [[template, render(template, VARIABLES)] for template in expressions + TEMPLATES]
    sys.stdout.write('{"variables": ' + json.dumps(VARIABLES) + ',\n "cases": [\n')
    sys.stdout.write(",\n".join(json.dumps(case) for case in cases) + "\n]}\n")


if __name__ == "__main__":
    main()
