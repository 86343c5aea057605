/** The forms of the server's answers about data, recipes and trainings that are started here. */

import type { Media } from "./types";

export const KINDS = ["text", "table", "series", "tagged", "images", "pairs", "audio", "video"] as const;
export type DataKind = (typeof KINDS)[number];

export interface DataSet {
  id: string;
  name: string;
  kind: DataKind;
  description: string | null;
  origin: "upload" | "world" | "dataset";
  bytes: number | null;
  files: number | null;
  created: string | null;
  available: boolean;
}

export interface Uploaded {
  id: string;
  name: string;
  kind: DataKind;
  bytes: number;
  files: number;
}

export type Counts = Record<string, number>;

export interface PreviewMedia extends Media {
  name: string;
  label?: string | null;
}

interface Common {
  id: string;
  notes: string[];
  encodings?: Record<string, string>;
  media?: PreviewMedia[];
}

/** What cleaning would leave out of a text. */
export interface Cleaning {
  duplicates: number;
  empty: number;
  removed: { text: string; reason: string }[];
}

export interface TextPreview extends Common {
  kind: "text";
  documents: number;
  characters: number;
  bytes: number;
  first: string[];
  cleaning?: Cleaning | null;
}

export interface TableColumn {
  name: string;
  holds: string;
  missing: number;
  different: number;
  /** The minimum, the quartiles and the maximum of numbers; empty for other values. */
  quantiles: number[];
  mean: number | null;
  counts: Counts;
}

export interface TablePreview extends Common {
  kind: "table";
  rows: number;
  columns: TableColumn[];
}

export interface SeriesColumn {
  name: string;
  least: number;
  mean: number;
  deviation: number;
  greatest: number;
}

export interface SeriesPreview extends Common {
  kind: "series";
  lengths: number[];
  columns: SeriesColumn[];
}

export interface PairSide {
  characters: number;
  longest: number;
  different: number;
}

export interface PairsPreview extends Common {
  kind: "pairs";
  pairs: number;
  sources: PairSide;
  targets: PairSide;
  first: { source: string; target: string }[];
}

export interface TaggedPreview extends Common {
  kind: "tagged";
  sentences: number;
  words: number;
  differentWords: number;
  tags: Counts;
  first?: { words: string[]; tags: string[] }[];
}

export interface ImagesPreview extends Common {
  kind: "images";
  pictures: number;
  width: number;
  height: number;
  channels: number;
  classes: Counts;
}

export interface AudioPreview extends Common {
  kind: "audio";
  sounds: number;
  seconds: number;
  shortest: number;
  longest: number;
  sampleRates: Counts;
  channels: Counts;
  classes: Counts;
}

export interface VideoPreview extends Common {
  kind: "video";
  videos: number;
  fps: number;
  seconds: number;
  sizes: Counts;
  classes: Counts;
}

export type Preview =
  | TextPreview | TablePreview | SeriesPreview | PairsPreview | TaggedPreview | ImagesPreview | AudioPreview
  | VideoPreview;

export interface Family {
  name: string;
  description: string;
}

export interface Advice {
  recipe_yaml: string;
  summary: string;
  amount: string;
  reasons: string[];
}

export interface BuiltInRecipe {
  name: string;
  description: string | null;
  recipe_yaml: string;
}

export interface RecipeError {
  message: string;
  line: number | null;
  key: string | null;
}

export interface RecipeField {
  key: string;
  value: string | null;
  default: string | null;
  type: "integer" | "number" | "boolean" | "text" | "choice" | "list";
  choices: string[] | null;
  minimum: number | null;
  maximum: number | null;
  description: string | null;
  section: string;
  set: boolean;
}

export interface RecipeCheck {
  valid: boolean;
  errors: RecipeError[];
  summary: string | null;
  fields: RecipeField[];
}

export const dataPath = (id: string): string => `/v1/atelier/data/${encodeURIComponent(id)}`;
export const runPath = (id: string): string => `/v1/atelier/runs/${encodeURIComponent(id)}`;
