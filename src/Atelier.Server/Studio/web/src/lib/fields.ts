import type { JsonObject, Json, ModelOption } from "./types";

/** How a field of a request is entered. */
export type FieldKind = "whole" | "number" | "text" | "lines" | "class" | "pairs" | "file";

const KINDS: Record<string, FieldKind> = {
  n: "whole",
  max_tokens: "whole",
  top_k: "whole",
  seed: "whole",
  steps: "whole",
  temperature: "number",
  top_p: "number",
  min_p: "number",
  typical_p: "number",
  repetition_penalty: "number",
  presence_penalty: "number",
  frequency_penalty: "number",
  guidance: "number",
  strength: "number",
  seconds: "number",
  prompt: "lines",
  stop: "text",
  class: "class",
  evidence: "pairs",
  states: "pairs",
  input: "file",
};

export function kindOf(field: string): FieldKind {
  return KINDS[field] ?? "text";
}

export const SEED: ModelOption = { field: "seed", description: null, default: null, example: null, choices: [] };

/** The values that a form holds, by field, as they were typed. */
export type Values = Record<string, string>;

/** The fields of a request: those that have a value, as the server expects them. */
export function toBody(values: Values): JsonObject {
  const body: JsonObject = {};
  for (const [field, text] of Object.entries(values)) {
    if (text !== "") body[field] = toJson(field, text);
  }
  return body;
}

function toJson(field: string, text: string): Json {
  switch (kindOf(field)) {
    case "whole":
    case "number": {
      // what is no number is sent as it is, because the server says best what is wrong with it
      const value = Number(text);
      return Number.isNaN(value) ? text : value;
    }
    case "pairs":
      return toPairs(text);
    default:
      return text;
  }
}

/** Reads lines of NAME=VALUE. */
export function toPairs(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line.trim(), ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}

/** The field of a request that an error is about: "evidence" for evidence.smoke. */
export function fieldOf(param: string | null): string | null {
  return param?.split(/[.[]/)[0] || null;
}

const ALTERNATIVES = 5;
const SAMPLING = [
  "temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty", "presence_penalty", "frequency_penalty",
];

/**
 * The number of alternatives to ask for at each token. Models of pairs usually search with beams, which have no
 * alternatives, unless a request sets an option of sampling.
 */
export function alternativesOf(task: string, body: JsonObject): number {
  return task !== "pairs" || SAMPLING.some((field) => field in body) ? ALTERNATIVES : 0;
}
