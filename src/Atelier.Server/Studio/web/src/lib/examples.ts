import { origin } from "./api.svelte";
import { csharp } from "./csharp";
import type { Json, JsonObject } from "./types";

/** The kinds of requests that the pages send. */
export type RequestKind = "continue" | "chat" | "images" | "edits" | "speech" | "generate";

/** A request that a page sent. */
export interface Sent {
  kind: RequestKind;
  body: JsonObject;
}

export const PATHS: Record<RequestKind, string> = {
  continue: "/v1/completions",
  chat: "/v1/chat/completions",
  images: "/v1/images/generations",
  edits: "/v1/images/edits",
  speech: "/v1/audio/speech",
  generate: "/v1/atelier/generate",
};

// what only the pages ask for: their colours need probabilities, and files in base64 are too long for examples
const OWN = new Set(["stream", "logprobs", "top_logprobs"]);

export interface Examples {
  command: string;
  curl: string;
  csharp: string;
}

export function examplesOf(sent: Sent): Examples {
  const body = Object.fromEntries(Object.entries(sent.body).filter(([field]) => !OWN.has(field)));
  const shown = typeof body.input === "string" && sent.kind === "generate" ? { ...body, input: "BASE64" } : body;
  const { kind } = sent;
  return { command: command({ kind, body }), curl: curl({ kind, body: shown }), csharp: csharp({ kind, body }) };
}

function quoted(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function curl({ kind, body }: Sent): string {
  if (kind === "edits") return form(body);
  const lines = [`curl ${origin}${PATHS[kind]}`, `-H 'Content-Type: application/json'`];
  lines.push(`-d ${quoted(JSON.stringify(body))}`);
  if (kind === "speech") lines.push("-o speech.wav");
  return lines.join(" \\\n  ");
}

function form(body: JsonObject): string {
  const fields = Object.entries(body).map(([field, value]) => {
    const isFile = field === "image" || field === "mask";
    return `-F ${quoted(`${field}=${isFile ? "@" : ""}${String(value)}`)}`;
  });
  return [`curl ${origin}${PATHS.edits}`, ...fields].join(" \\\n  ");
}

function command({ kind, body }: Sent): string {
  let fields: JsonObject = { ...body };
  delete fields.model;
  if (kind === "chat") {
    const messages = Array.isArray(fields.messages) ? fields.messages : [];
    const last = messages.at(-1);
    delete fields.messages;
    fields.prompt = last && typeof last === "object" && !Array.isArray(last) ? (last.content ?? "") : "";
  }
  if (kind === "images" || kind === "edits") {
    const { prompt = "", image = "", ...others } = fields;
    fields = { class: prompt, from: image, ...others };
  }
  if (kind === "speech") return speech(fields);
  if (typeof fields.input === "string") fields.input = "FILE";
  const out: Partial<Record<RequestKind, string>> = { images: "grid.png", edits: "grid.png" };
  return line(fields, out[kind]);
}

/** The tool generates the sounds of one class at a time. */
function speech({ input, seed }: JsonObject): string {
  const classes = String(input ?? "").split(/\s+/).filter(Boolean);
  return classes.map((name, i) => line({ class: name, seed: seed ?? null }, `${i + 1}-${name}.wav`)).join("\n");
}

function line(fields: JsonObject, out?: string): string {
  const words = ["atelier generate RUN"];
  for (const [field, value] of Object.entries(fields)) words.push(...flags(field, value));
  if (out) words.push(`--out ${quoted(out)}`);
  return words.join(" ");
}

function flags(field: string, value: Json): string[] {
  if (value === null || value === "") return [];
  if (typeof value === "object" && !Array.isArray(value)) {
    const flag = field === "states" ? "state" : field;
    return Object.entries(value).map(([name, one]) => `--${flag} ${quoted(`${name}=${String(one)}`)}`);
  }
  const flag = field === "n" ? "count" : field.replaceAll("_", "-");
  return [`--${flag} ${quoted(String(value))}`];
}
