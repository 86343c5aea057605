import type { Token } from "./types";

/** A continuation of a prompt. Tokens before `given` were taken over from the branch that it left. */
export interface Branch {
  id: number;
  prompt: string;
  tokens: Token[];
  given: number;
  seed: number;
  finish: string | null;
}

const MOST = 20;

/** The text that a branch adds to its prompt, up to a token. */
export function textOf(tokens: Token[], end = tokens.length): string {
  return tokens.slice(0, end).map((token) => token.piece).join("");
}

/** Whether a token can begin another branch: halves of characters cannot be sent as text. */
export function canStart(token: string): boolean {
  return token !== "" && !token.includes("\ufffd") && !/^<[^>\s]*>$/.test(token);
}

/** The tokens of a branch in which another token was chosen at a place. */
export function replaced(tokens: Token[], index: number, choice: string): Token[] {
  const old = tokens[index];
  if (!old) return tokens;
  const logprob = old.alternatives.find((other) => other.token === choice)?.logprob ?? null;
  return [...tokens.slice(0, index), { ...old, token: choice, piece: choice, logprob }];
}

/** Adds a branch, or its new state, to a history that keeps the latest ones. */
export function remembered(history: Branch[], branch: Branch): Branch[] {
  const others = history.filter((other) => other.id !== branch.id);
  return [...others, branch].sort((a, b) => a.id - b.id).slice(-MOST);
}
