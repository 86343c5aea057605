import type { Json, JsonObject } from "./types";

const KEY = "atelier.key";

/** An error of the server, with the field of the request that is wrong if the server names one. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

class Access {
  #key = sessionStorage.getItem(KEY) ?? "";

  /** Whether the server refused the last request for want of a key. */
  refused = $state(false);

  /** Counts the keys that were entered, so that pages can load again with a new one. */
  entered = $state(0);

  get headers(): Record<string, string> {
    return this.#key ? { Authorization: `Bearer ${this.#key}` } : {};
  }

  enter(key: string): void {
    this.#key = key;
    sessionStorage.setItem(KEY, key);
    this.refused = false;
    this.entered++;
  }
}

export const access = new Access();

/** The address of the server, for examples that are run elsewhere. */
export const origin = location.origin;

async function send(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, { ...init, headers: { ...access.headers, ...init.headers } });
  if (response.status === 401) access.refused = true;
  if (!response.ok) throw await errorOf(response);
  return response;
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    return toError(JSON.parse(text) as Json, response.status);
  } catch {
    return new ApiError(text || response.statusText || String(response.status), response.status);
  }
}

/** Reads OpenAI's form of an error: {"error": {"message", "param"}}. */
export function toError(body: Json, status: number): ApiError {
  const error = isObject(body) && isObject(body.error) ? body.error : {};
  const message = typeof error.message === "string" ? error.message : String(status);
  return new ApiError(message, status, typeof error.param === "string" && error.param ? error.param : null);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { signal: signal ?? null });
  return (await response.json()) as T;
}

export function getFile(path: string, signal: AbortSignal): Promise<Response> {
  return send(path, { signal });
}

export function post(path: string, body: JsonObject, signal?: AbortSignal): Promise<Response> {
  return send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

export async function postJson<T>(path: string, body: JsonObject, signal?: AbortSignal): Promise<T> {
  const response = await post(path, body, signal);
  return (await response.json()) as T;
}

export async function postForm<T>(path: string, form: FormData, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { method: "POST", body: form, signal: signal ?? null });
  return (await response.json()) as T;
}

export async function remove(path: string, signal?: AbortSignal): Promise<void> {
  await send(path, { method: "DELETE", signal: signal ?? null });
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Any error as one that pages can show. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(error instanceof Error ? error.message : String(error), 0);
}
