/** The forms of the server's answers, as docs/serving.md and the API describe them. */

export interface ModelSummary {
  id: string;
  created?: number;
  model_type?: string;
  loaded?: boolean;
  /** The kind of what the model generates; null if only loading it would tell. */
  task?: string | null;
}

export interface ModelOption {
  field: string;
  description: string | null;
  default: string | null;
  example: string | null;
  /** All possible values, such as classes; empty where they cannot be listed. */
  choices: string[];
}

export interface ModelDetails {
  id: string;
  task: string;
  /** What can be explained: what the model does with a "text", with its "target", and the "model" itself. */
  explains?: string[];
  options: ModelOption[];
  /** Whether it can generate a part of an image anew. */
  edits: boolean;
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** A token of an answer that is being generated. */
export interface Token {
  /** The text that the token adds to the answer; empty while a character is incomplete. */
  piece: string;
  /** The token as the tokenizer writes it. */
  token: string;
  /** Null for text that the server sent without a probability. */
  logprob: number | null;
  alternatives: Alternative[];
}

export interface Alternative {
  token: string;
  logprob: number;
}

export interface Message {
  role: "user" | "assistant";
  content: string;
  tokens?: Token[];
}

export interface Media {
  media_type: string;
  text?: string;
  b64?: string;
}

export interface NamedMedia extends Media {
  name: string;
}

export interface Sample {
  text?: string;
  row?: { [column: string]: Json };
  media_type?: string;
  b64?: string;
  [key: string]: Json | undefined;
}

export type RunStatus = "queued" | "running" | "finished" | "interrupted" | "failed";

export interface RunSummary {
  id: string;
  name: string;
  family: string;
  recipe: string;
  status: RunStatus;
  started: string;
  finished: string | null;
  steps: number;
  seconds: number;
  metrics: Record<string, number>;
}

export type Curve = [step: number, value: number][];

export interface RunDetails extends RunSummary {
  recipe_yaml: string;
  curves: Record<string, Curve>;
  total_steps: number | null;
  samples: NamedMedia[];
  plots: NamedMedia[];
  /** What a server that trains adds; all of it may be missing. */
  progress?: RunProgress | null;
  log?: string[];
  failure?: string | null;
  /** The id of the model that is served, when the run has finished. */
  model?: string | null;
  /** The id of the data, if the run was started here. */
  data?: string | null;
}

export interface RunProgress {
  step: number;
  total: number | null;
  seconds_left: number | null;
  per_second: number | null;
  unit: string | null;
}

/** A figure with the ends of its 95 % interval; null where a value is not finite. */
export interface Figure {
  value: number | null;
  low: number | null;
  high: number | null;
  unit: string;
}

export type Figures = Record<string, Figure>;

/** The difference between two models, with the test that decides it. */
export interface Difference extends Figure {
  basis: "paired" | "intervals" | "bic" | "none";
  outcome: "beaten" | "not_beaten" | "undecided";
  p_value: number | null;
}

export interface Headline {
  metric: string;
  unit: string;
  more_is_better: boolean;
  part: string;
}

export interface ComparedRun {
  run: string | null;
  model: string | null;
  name: string;
  family: string | null;
  data: string | null;
  headline: Headline | null;
  figures: Figures | null;
  difference: Difference | null;
  sentence: string | null;
}

export interface ReportSection {
  title: string;
  figures: Figures;
  notes: string[];
  images: { caption: string; media: NamedMedia }[];
  samples: string[];
}

export interface Report {
  data: string;
  verdict: string;
  headline: Headline;
  figures: Figures;
  baselines: Record<string, Figures>;
  comparisons: Record<string, Difference>;
  notes: string[];
  picture: NamedMedia | null;
  sections: ReportSection[];
}

export interface CardData {
  source: string;
  description: string | null;
  published_by: string | null;
  licence: string | null;
  files: { name: string; bytes: number; sha256: string }[];
  evaluated_hash: string | null;
}

export interface RunCard extends RunSummary {
  model: string | null;
  model_type: string | null;
  parameters: number | null;
  recipe_yaml: string | null;
  description: string | null;
  summary: string | null;
  seed: number | null;
  data: CardData | null;
  facts: { name: string; value: string }[];
  about: string[];
  downloads: ("bundle" | "gguf")[];
  report: Report | null;
  curves: Record<string, Curve>;
  samples: NamedMedia[];
}

export interface Rubric {
  name: string;
  description: string;
  lowest: number;
  highest: number;
  lowest_label?: string | null;
  highest_label?: string | null;
}

export interface RatedOutput extends Media {
  id: string;
}

export interface RatedItem extends RatedOutput {
  prompt?: string;
}

export interface Question {
  study: { id: string; title: string; kind: "pairwise" | "scale"; rubrics: Rubric[] };
  rater: string;
  answered: number;
  pair: { prompt: string; left: RatedOutput; right: RatedOutput } | null;
  item: RatedItem | null;
}

export type Choice = "left" | "right" | "tie" | "both_bad";
