"""Renders chat templates with Python's Jinja2: python3 templates.py TEMPLATES CONVERSATIONS

TEMPLATES is a folder of .jinja files, and CONVERSATIONS a file like conversations.json. Prints
{file: [text, or null if the template fails, ...]}. Needs the package Jinja2; the settings are those of jinja_golden.py.
"""
import json
import pathlib
import sys

from jinja_golden import render

folder, names = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"))
conversations, tools = names.pop("conversations"), names.pop("tools")
variables = [{**names, **one, "tools": tools if one["tools"] else None} for one in conversations]
print(json.dumps({path.name: [render(path.read_text(encoding="utf-8"), one) for one in variables]
                  for path in sorted(folder.glob("*.jinja"))}))
