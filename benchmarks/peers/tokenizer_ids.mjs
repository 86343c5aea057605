// Encodes texts with Hugging Face's tokenizers library in Rust: node tokenizer_ids.mjs PACKAGE COUNT FILE...
// PACKAGE is the folder of the npm package tokenizers, COUNT the number of texts, and each FILE a tokenizer.json.
// Prints {"texts", "ids"}: for each file the ids of each text, special tokens included.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { texts } from "./tokenizer_texts.mjs";

const [folder, count, ...files] = process.argv.slice(2);
const { Tokenizer } = createRequire(import.meta.url)(resolve(folder));
const inputs = texts(Number(count));
const ids = [];
for (const file of files) {
  const tokenizer = Tokenizer.fromFile(file);
  const encoded = await Promise.all(inputs.map((text) => tokenizer.encode(text, null, { addSpecialTokens: true })));
  ids.push(encoded.map((one) => [...one.getIds()]));
}
console.log(JSON.stringify({ texts: inputs, ids }));
