// The development server: the built pages with the server's content security policy, and answers from fixtures. With
// ATELIER_URL=http://127.0.0.1:5080, that server's models are listed too and its text is real; with MOCK_KEY, the API
// needs this key; with MOCK_EMPTY=1 there are neither models nor runs; with MOCK_FIXED=1 nothing can be trained.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { card, compare, markdown } from "./cards.mjs";
import { ABILITIES, explainModel, explainText } from "./explain.mjs";
import * as making from "./making.mjs";
import { images, list, MODELS, samples, speech, tokens } from "./models.mjs";
import * as ratings from "./ratings.mjs";
import { Refusal } from "./refusal.mjs";
import { runs, summary } from "./runs.mjs";
import * as trainer from "./trainer.mjs";

export const CSP = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
  "media-src 'self' data: blob:", "connect-src 'self'", "font-src 'self'", "base-uri 'none'", "form-action 'none'",
].join("; ");

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
};

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function file(path, response) {
  const name = normalize(path === "/" ? "index.html" : path.slice(1));
  if (name.startsWith("..")) throw new Refusal(404, "there is no such page");
  const content = await readFile(join(DIST, name)).catch(() => null);
  if (!content) throw new Refusal(404, `there is no ${path}`);
  const type = TYPES[extname(name)] ?? "application/octet-stream";
  const safety = { "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff" };
  response.writeHead(200, { "Content-Type": type, ...safety });
  response.end(content);
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const all = Buffer.concat(parts);
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith("multipart/")) {
    const form = await new Response(all, { headers: { "Content-Type": type } }).formData();
    return { ...Object.fromEntries(form), form };
  }
  return parts.length > 0 ? JSON.parse(all.toString()) : {};
}

function check(body) {
  if (typeof body.top_p === "number" && body.top_p > 1) {
    throw new Refusal(400, `top_p is ${body.top_p}; allowed: 0 to 1`, "top_p");
  }
  if (body.n > 64) throw new Refusal(400, `n is ${body.n}; allowed: 1 to 64`, "n");
}

/** Writes an answer as events; the form of a choice differs between completions and chats. */
async function stream(response, body, isChat, speed) {
  check(body);
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const all = tokens(body.max_tokens ?? 256, body.model);
  let offset = 0;
  for (const [i, { token, logprob, top }] of all.entries()) {
    if (response.destroyed) return;
    const finish_reason = i < all.length - 1 ? null : all.length === body.max_tokens ? "length" : "stop";
    const choice = isChat
      ? { index: 0, delta: { content: token }, finish_reason, logprobs: {
        content: [{ token, logprob, top_logprobs: top }],
      } }
      : { index: 0, text: token, finish_reason, logprobs: {
        tokens: [token], token_logprobs: [logprob], text_offset: [offset],
        top_logprobs: [Object.fromEntries(top.map((one) => [one.token, one.logprob]))],
      } };
    offset += token.length;
    response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
    await pause(speed);
  }
  response.end("data: [DONE]\n\n");
}

function rate(action, body) {
  if (!ratings.isKnown(body.token)) throw new Refusal(404, "this link is not valid");
  if (action === "answer") ratings.answer(body);
  if (action === "undo") ratings.undo(body.token);
  return ratings.question(body.token);
}

/** The runs that the mock begins with, if any, and those that were started. */
const allRuns = ({ isEmpty }) => [...trainer.runs(), ...(isEmpty ? [] : runs())];

/** A model that was trained here generates as the story model does. */
function known(id) {
  return MODELS[id] ?? (trainer.trained().some((one) => one.id === id) ? MODELS.story : undefined);
}

async function answer(path, body, settings) {
  const [, , area, ...rest] = path.split("/").map(decodeURIComponent);
  if (path === "/v1/models") {
    const made = trainer.trained().map(({ id, family }) => ({ id, model_type: family, loaded: false }));
    const own = [...made, ...(settings.isEmpty ? [] : list())];
    return { data: settings.url ? [...own, ...(await (await fetch(settings.url + path)).json()).data] : own };
  }
  if (area === "atelier" && rest[0] === "models") {
    const model = known(rest[1]);
    if (!model) throw new Refusal(404, `there is no model '${rest[1]}'`, "model");
    if (rest[2] === "explanation") return explainModel(rest[1]);
    return { id: rest[1], task: model.task, explains: ABILITIES[rest[1]] ?? [], options: model.options,
      edits: model.edits ?? false };
  }
  if (path === "/v1/atelier/runs") return { runs: allRuns(settings).map(summary) };
  if (area === "atelier" && rest[0] === "runs") {
    const run = allRuns(settings).find(({ id }) => id === rest[1]);
    if (!run) throw new Refusal(404, `there is no run '${rest[1]}'`);
    return rest[2] === "card" ? card(run) : run;
  }
  if (area === "rate") return rate(rest[0], body);
  check(body);
  if (path === "/v1/atelier/explain") {
    if (body.text.length > 2000) throw new Refusal(400, "the text has too many tokens: at most 256", "text");
    return explainText(body);
  }
  if (path === "/v1/images/generations") return { data: images(body) };
  if (path === "/v1/images/edits") {
    if (!(body.image instanceof File)) throw new Refusal(400, "'image' is missing", "image");
    return { data: images({ n: Number(body.n), seed: Number(body.seed) }) };
  }
  if (path === "/v1/atelier/generate") return { seed: body.seed, samples: samples(body) };
  throw new Refusal(404, `there is no ${path}`);
}

async function forward(path, request, body, response, url) {
  const init = request.method === "POST"
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const left = new AbortController();
  response.on("close", () => left.abort());
  const reply = await fetch(url + path, { ...init, signal: left.signal });
  response.writeHead(reply.status, { "Content-Type": reply.headers.get("content-type") ?? "application/json" });
  for await (const part of reply.body) response.write(part);
  response.end();
}

async function handle(request, response, settings) {
  const path = new URL(request.url, "http://mock").pathname;
  if (!path.startsWith("/v1/")) return file(path, response);
  const needsKey = settings.key && !path.startsWith("/v1/rate/");
  if (needsKey && request.headers.authorization !== `Bearer ${settings.key}`) {
    throw new Refusal(401, "an API key is needed");
  }
  const body = await bodyOf(request);
  const made = making.answer(request, body, settings);
  if (made) {
    response.writeHead(made.status, { "Content-Type": "application/json" });
    return response.end(made.json === null ? undefined : JSON.stringify(made.json));
  }
  const model = body.model ?? path.match(/^\/v1\/atelier\/models\/([^/]+)/)?.[1];
  if (settings.url && model && !(model in MODELS)) return forward(path, request, body, response, settings.url);
  if (path === "/v1/completions") return stream(response, body, false, settings.speed);
  if (path === "/v1/chat/completions") return stream(response, body, true, settings.speed);
  if (path === "/v1/audio/speech") {
    response.writeHead(200, { "Content-Type": "audio/wav" });
    return response.end(speech(body));
  }
  if (path === "/v1/atelier/compare") {
    response.writeHead(200, { "Content-Type": "application/json" });
    return response.end(JSON.stringify(compare(new URL(request.url, "http://mock").searchParams.getAll("model"))));
  }
  const [, kind, id, part] = path.match(/^\/v1\/atelier\/(models|runs)\/([^/]+)\/(bundle|gguf|report)$/) ?? [];
  if (kind === "models") return attach(response, part === "gguf" ? `${id}.gguf` : `${id}.zip`, "content of the model");
  if (kind === "runs") return attach(response, `${id}-report.md`, markdown({ name: id }));
  const json = await answer(path, body, settings);
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(json));
}

/** Sends a download, whose name is in a header. */
function attach(response, name, content) {
  const type = name.endsWith(".md") ? "text/markdown" : "application/octet-stream";
  response.writeHead(200, { "Content-Type": type, "Content-Disposition": `attachment; filename="${name}"` });
  response.end(content);
}

/** Starts a mock; port 0 takes a free one. */
export function start({ port = 0, key = "", url = "", isEmpty = false, speed = 60, trains = true } = {}) {
  const server = createServer((request, response) => {
    handle(request, response, { key, url, isEmpty, speed, trains }).catch((error) => {
      if (response.headersSent) return response.destroy();
      response.writeHead(error.status ?? 500, { "Content-Type": "application/json" });
      const { message, param = null } = error;
      response.end(JSON.stringify({ error: { message, type: "invalid_request_error", param, code: null } }));
    });
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { PORT = "5173", MOCK_KEY = "", ATELIER_URL = "", MOCK_EMPTY = "", MOCK_FIXED = "" } = process.env;
  const [isEmpty, trains] = [MOCK_EMPTY !== "", MOCK_FIXED === ""];
  await start({ port: Number(PORT), key: MOCK_KEY, url: ATELIER_URL, isEmpty, trains });
  console.log(`http://127.0.0.1:${PORT}/  rating: #/rate/pairs  #/rate/images  #/rate/scales`);
}
