// Renders chat templates with Hugging Face's renderer: node templates.mjs PACKAGE TEMPLATES CONVERSATIONS
// PACKAGE is the folder of the npm package @huggingface/jinja, TEMPLATES a folder of .jinja files, and CONVERSATIONS a
// file like conversations.json. Prints {file: [text, or null if the template fails, ...]}.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [packageFolder, folder, conversationsPath] = process.argv.slice(2);
const { Template } = await import(pathToFileURL(join(packageFolder, "dist", "index.js")));
const { tools, conversations, ...names } = JSON.parse(readFileSync(conversationsPath, "utf8"));
const variables = conversations.map((one) => ({ ...names, ...one, tools: one.tools ? tools : null }));
globalThis.Date = class extends Date { // the time of jinja_golden.py, for strftime_now
  constructor(...given) {
    super(...(given.length > 0 ? given : [2026, 2, 5, 14, 7, 9]));
  }
};

function render(template, conversation) {
  try {
    return new Template(template).render(conversation);
  } catch {
    return null;
  }
}

console.log(JSON.stringify(Object.fromEntries(readdirSync(folder).filter((name) => name.endsWith(".jinja"))
  .map((name) => [name, variables.map((one) => render(readFileSync(join(folder, name), "utf8"), one))]))));
