// Asks ajv whether texts satisfy their schemas: node ajv.mjs PACKAGES WALKS
// PACKAGES is the folder node_modules with the npm packages ajv and ajv-formats, and WALKS a file with one
// {"schema", "texts"} a line. Prints {"schemas", "texts", "valid", "unread", "invalid"}: unread are schemas that ajv
// does not read, of invalid texts five of different schemas are printed at most.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [packages, walks] = process.argv.slice(2);
const require = createRequire(join(packages, "index.js"));
const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;
const result = { schemas: 0, texts: 0, valid: 0, unread: 0, invalid: [] };
for (const read of readFileSync(walks, "utf8").trimEnd().split("\n")) {
  const { schema, texts } = JSON.parse(read), line = JSON.stringify(schema);
  let validate;
  try {
    const ajv = new Ajv({ strict: false, logger: false, multipleOfPrecision: 9 });
    addFormats(ajv);
    validate = ajv.compile(schema);
  } catch {
    result.unread++;
    continue;
  }
  result.schemas++;
  for (const text of texts) {
    result.texts++;
    if (validate(JSON.parse(text))) result.valid++;
    else if (result.invalid.length < 5 && result.invalid.at(-1)?.schema !== line) {
      result.invalid.push({ schema: line, text });
    }
  }
}
console.log(JSON.stringify(result));
