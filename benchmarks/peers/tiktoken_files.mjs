// Writes OpenAI's vocabularies as tiktoken files, and encodes texts with them:
//   node tiktoken_files.mjs PACKAGE FOLDER COUNT
// PACKAGE is the folder of the npm package tiktoken, FOLDER takes the files, and COUNT is the number of texts. Prints
// {"texts", "encodings": [{"name", "ids"}]}.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { texts } from "./tokenizer_texts.mjs";

const [folder, target, count] = process.argv.slice(2);
const { Tiktoken } = createRequire(import.meta.url)(resolve(folder));
const inputs = texts(Number(count));
const encodings = [];
for (const name of ["r50k_base", "p50k_base", "cl100k_base", "o200k_base"]) {
  const encoding = JSON.parse(readFileSync(join(folder, "encoders", `${name}.json`), "utf8"));
  const lines = encoding.bpe_ranks.split("\n").filter(Boolean).flatMap((row) => {
    const [, first, ...tokens] = row.split(" ");
    return tokens.map((token, i) => `${token} ${Number(first) + i}\n`);
  });
  writeFileSync(join(target, `${name}.tiktoken`), lines.join(""));
  const tokenizer = new Tiktoken(encoding.bpe_ranks, encoding.special_tokens, encoding.pat_str);
  encodings.push({ name, ids: inputs.map((text) => [...tokenizer.encode_ordinary(text)]) });
}
console.log(JSON.stringify({ texts: inputs, encodings }));
