// Compares the ids of Hugging Face's tokenizers for JavaScript with ours: node tokenizers.mjs PACKAGE TOKENIZER IDS
// PACKAGE is the folder of the npm package @huggingface/tokenizers, TOKENIZER a tokenizer.json, and IDS a file with one
// {"text", "ids"} a line, special tokens included. Prints {"texts", "equal", "differing"}, five that differ at most.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, tokenizerPath, idsPath] = process.argv.slice(2);
const { Tokenizer } = await import(pathToFileURL(join(folder, "dist", "tokenizers.mjs")));
const tokenizer = new Tokenizer(JSON.parse(readFileSync(tokenizerPath, "utf8")), {});
const lines = readFileSync(idsPath, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
const differing = lines
  .map(({ text, ids }) => ({ text, ids, theirs: tokenizer.encode(text).ids }))
  .filter(({ ids, theirs }) => ids.join() !== theirs.join());
console.log(JSON.stringify({
  texts: lines.length, equal: lines.length - differing.length, differing: differing.slice(0, 5),
}));
