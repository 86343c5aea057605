// OpenAI's client for JavaScript, unchanged, against a server whose models are "tiny" (text), "minilm" (an encoder,
// where it is to be had) and "shapes" (images). NodeClientTests starts the server and names its address in ATELIER_URL.
import assert from "node:assert/strict";
import { deflateSync, crc32 } from "node:zlib";
import { test } from "node:test";
import OpenAI, { BadRequestError, NotFoundError, toFile } from "openai";

const url = process.env.ATELIER_URL;
const client = new OpenAI({ apiKey: "none", baseURL: `${url}/v1`, maxRetries: 0 });
const messages = [{ role: "user", content: "Once upon a time" }];

async function running() {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^atelier_running_samples\{model="tiny"\} (\d+)/m.exec(metrics)?.[1]);
}

test("the models are listed, and one is shown", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes("tiny") && names.includes("shapes"), names.join());
  assert.equal((await client.models.retrieve("tiny")).owned_by, "atelier");
});

test("a streamed chat has the text, the probabilities and the usage of a whole one", async () => {
  const body = { model: "tiny", messages, seed: 7, max_tokens: 12, temperature: 0.8, logprobs: true, top_logprobs: 2 };
  const whole = await client.chat.completions.create(body);
  const stream = await client.chat.completions.create({
    ...body, stream: true, stream_options: { include_usage: true },
  });
  let text = "", usage = null;
  const tokens = [];
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    tokens.push(...(chunk.choices[0]?.logprobs?.content ?? []));
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(tokens, whole.choices[0].logprobs.content);
  assert.deepEqual(usage, whole.usage);
  assert.equal(usage.completion_tokens, tokens.length);
});

test("texts are continued", async () => {
  const body = { model: "tiny", prompt: ["ab", "c"], n: 2, seed: 3, max_tokens: 5 };
  const { choices } = await client.completions.create(body);
  assert.deepEqual(choices.map((choice) => choice.index), [0, 1, 2, 3]);
  const again = await client.completions.create(body);
  assert.deepEqual(again.choices, choices);
});

test("an answer satisfies a JSON schema", async () => {
  const schema = {
    type: "object",
    properties: { yes: { type: "boolean" }, n: { type: "integer", minimum: 0, maximum: 9 } },
    required: ["yes", "n"],
    additionalProperties: false,
  };
  const answer = await client.chat.completions.create({
    model: "tiny", messages, seed: 1, max_tokens: 60,
    response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
  });
  const value = JSON.parse(answer.choices[0].message.content);
  assert.equal(typeof value.yes, "boolean");
  assert.ok(Number.isInteger(value.n) && value.n >= 0 && value.n <= 9);
});

test("embeddings are the same in both encodings", { skip: !process.env.ATELIER_EMBEDS && "no encoder" }, async () => {
  const input = ["A man rides a bicycle.", "你好"];
  const floats = await client.embeddings.create({ model: "minilm", input, encoding_format: "float" });
  const packed = await client.embeddings.create({ model: "minilm", input }); // base64, which the client decodes
  assert.equal(packed.data.length, 2);
  assert.deepEqual(packed.data[1].embedding, floats.data[1].embedding.map(Math.fround));
});

test("images are drawn, the same ones for a seed", async () => {
  const body = { model: "shapes", prompt: "red-circle", n: 2, seed: 5, size: "32x32" };
  const { data } = await client.images.generate(body);
  assert.equal(data.length, 2);
  assert.equal(Buffer.from(data[0].b64_json, "base64").toString("latin1", 1, 4), "PNG");
  assert.deepEqual((await client.images.generate(body)).data, data);
});

test("a part of an image is drawn anew", async () => {
  const image = await toFile(png(() => [200, 40, 40, 255]), "red.png", { type: "image/png" });
  const mask = await toFile(png((x, y) => [0, 0, 0, y < 16 ? 0 : 255]), "mask.png", { type: "image/png" });
  const body = { model: "shapes", image, mask, prompt: "blue-square", n: 1, seed: 5 };
  const { data } = await client.images.edit(body);
  assert.equal(data.length, 1);
  const { data: whole } = await client.images.generate({ model: "shapes", prompt: "blue-square", n: 1, seed: 5 });
  assert.notEqual(data[0].b64_json, whole[0].b64_json);
});

test("errors have the classes and the fields of OpenAI's", async () => {
  const missing = await client.chat.completions.create({ model: "other", messages }).catch((error) => error);
  assert.ok(missing instanceof NotFoundError, String(missing));
  assert.equal(missing.code, "model_not_found");
  const hot = await client.chat.completions.create({ model: "tiny", messages, temperature: -1 }).catch((e) => e);
  assert.ok(hot instanceof BadRequestError, String(hot));
  assert.equal(hot.param, "temperature");
  const text = await toFile(Buffer.from("no image"), "a.png", { type: "image/png" });
  const damaged = await client.images.edit({ model: "shapes", image: text, prompt: "" }).catch((error) => error);
  assert.ok(damaged instanceof BadRequestError, String(damaged));
  assert.equal(damaged.param, "image");
});

test("a request that is aborted frees its slot", async () => {
  const stopping = new AbortController();
  // the random model may end a text itself: one of several does not
  for (let seed = 0; seed < 20 && !stopping.signal.aborted; seed++) {
    const stream = await client.chat.completions.create(
      { model: "tiny", messages, seed, max_tokens: 200, stream: true }, { signal: stopping.signal });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.finish_reason !== null) break;
      stopping.abort();
    }
  }
  assert.ok(stopping.signal.aborted);
  for (let i = 0; i < 100 && (await running()) !== 0; i++) await new Promise((done) => setTimeout(done, 50));
  assert.equal(await running(), 0);
});

/** A PNG of 32 × 32 pixels with alpha. */
function png(pixel) {
  const size = 32, rows = Buffer.alloc(size * (1 + 4 * size));
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) rows.set(pixel(x, y), y * (1 + 4 * size) + 1 + 4 * x);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6], 8); // 8 bits, red, green, blue and alpha
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND")]);
}

function chunk(name, content = Buffer.alloc(0)) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content]), length = Buffer.alloc(4), sum = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
