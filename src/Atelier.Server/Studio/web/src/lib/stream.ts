import { isObject, post, toError } from "./api.svelte";
import type { Alternative, Json, JsonObject, Token } from "./types";

/** What a stream yields: a token of the answer, and why the answer ended when it did. */
export interface Piece {
  token: Token;
  finish: string | null;
}

/** Yields the data of the server-sent events of a response. */
async function* events(response: Response): AsyncGenerator<string> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("data:")) yield line.slice(5).trim();
      }
    }
  } finally {
    reader.releaseLock();
  }
}

/** Sends a request for text, and yields the tokens of its first answer as they come. */
export async function* stream(path: string, body: JsonObject, signal: AbortSignal): AsyncGenerator<Piece> {
  const response = await post(path, { ...body, stream: true }, signal);
  for await (const data of events(response)) {
    if (data === "[DONE]") return;
    const event = JSON.parse(data) as Json;
    if (!isObject(event)) continue;
    if (event.error) throw toError(event, response.status);
    const choice = Array.isArray(event.choices) ? event.choices[0] : undefined;
    if (isObject(choice)) yield pieceOf(choice);
  }
}

function pieceOf(choice: JsonObject): Piece {
  const delta = isObject(choice.delta) ? choice.delta : choice;
  const piece = text(delta.content) || text(delta.text);
  const logprobs = isObject(choice.logprobs) ? choice.logprobs : {};
  const token = Array.isArray(logprobs.content)
    ? ofChat(piece, logprobs.content[0])
    : ofCompletion(piece, logprobs);
  return { token, finish: typeof choice.finish_reason === "string" ? choice.finish_reason : null };
}

function ofChat(piece: string, entry: Json | undefined): Token {
  if (!isObject(entry)) return plain(piece);
  const top = Array.isArray(entry.top_logprobs) ? entry.top_logprobs.filter(isObject) : [];
  return {
    piece,
    token: text(entry.token),
    logprob: number(entry.logprob),
    alternatives: top.map((other) => ({ token: text(other.token), logprob: number(other.logprob) ?? -Infinity })),
  };
}

function ofCompletion(piece: string, logprobs: JsonObject): Token {
  const tokens = Array.isArray(logprobs.tokens) ? logprobs.tokens : [];
  if (tokens.length === 0) return plain(piece);
  const logs = Array.isArray(logprobs.token_logprobs) ? logprobs.token_logprobs : [];
  const top = Array.isArray(logprobs.top_logprobs) ? logprobs.top_logprobs[0] : undefined;
  const alternatives: Alternative[] = isObject(top)
    ? Object.entries(top).map(([token, logprob]) => ({ token, logprob: number(logprob) ?? -Infinity }))
    : [];
  alternatives.sort((a, b) => b.logprob - a.logprob);
  return { piece, token: text(tokens[0]), logprob: number(logs[0]), alternatives };
}

function plain(piece: string): Token {
  return { piece, token: piece, logprob: null, alternatives: [] };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function number(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}
