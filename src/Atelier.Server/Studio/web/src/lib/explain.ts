import type { Json } from "./types";

export interface ExplainedToken {
  id: number;
  text: string;
  log_probability: number | null;
}

export interface LensPrediction {
  top: ExplainedToken[];
  log_probability: number | null;
}

export type MapKind = "text" | "target" | "cross";

export interface AttentionMap {
  kind: MapKind;
  layers: number;
  heads: number;
  queries: number;
  keys: number;
  /** By layer, [heads, queries, keys]. */
  weights: Float32Array[];
  /** [queries, keys]; null for attention to another text. */
  rollout: Float32Array | null;
}

export interface Occluded {
  is_target: boolean;
  position: number;
  effect: number | null;
}

export interface Prediction {
  position: number;
  query: number;
  token: ExplainedToken;
  alternatives: ExplainedToken[];
  occlusion: Occluded[];
}

export interface TextExplanation {
  tokens: ExplainedToken[];
  target: ExplainedToken[];
  attention: AttentionMap[];
  lens: LensPrediction[][];
  states: number[][];
  prediction: Prediction | null;
}

/** An explanation as the server sends it: weights are base64 of numbers of four bytes. */
export interface SentExplanation extends Omit<TextExplanation, "attention"> {
  attention: (Omit<AttentionMap, "weights" | "rollout"> & { weights: string[]; rollout: string | null })[];
}

export interface Table {
  name: string;
  for_programs: boolean;
  columns: string[];
  rows: Json[][];
}

export interface Graph {
  nodes: string[];
  edges: { parent: number; child: number; strength: number }[];
}

export interface Matrix {
  rows: string[];
  columns: string[];
  cells: number[][];
}

export interface ModelExplanation {
  summary?: string;
  tables?: Table[];
  graph?: Graph | null;
  transitions?: Matrix | null;
  traversal?: { from: number; to: number; rows: { dimension: number; media_type: string; b64: string }[] };
}

function numbers(base64: string): Float32Array {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

export function received(sent: SentExplanation): TextExplanation {
  const attention = sent.attention.map((map) => ({
    ...map,
    weights: map.weights.map(numbers),
    rollout: map.rollout === null ? null : numbers(map.rollout),
  }));
  return { ...sent, attention };
}

/** The weights of a head, [queries, keys]; null takes the mean of the heads of the layer. */
export function headOf(map: AttentionMap, layer: number, head: number | null): Float32Array {
  const size = map.queries * map.keys;
  const all = map.weights[layer] ?? new Float32Array(size * map.heads);
  if (head !== null) return all.subarray(head * size, (head + 1) * size);
  const mean = new Float32Array(size);
  for (let i = 0; i < all.length; i++) mean[i % size]! += all[i]! / map.heads;
  return mean;
}

/** A row of a matrix as plain numbers. */
export function rowOf(matrix: Float32Array, row: number, columns: number): number[] {
  return Array.from(matrix.subarray(row * columns, (row + 1) * columns));
}

/** How strongly a value is coloured, 0 to 1: the root makes small ones visible. */
export function strength(value: number, most = 1): number {
  return most > 0 ? Math.sqrt(Math.min(1, Math.abs(value) / most)) : 0;
}
