import { PATHS } from "./examples";
import { toBody, toPairs, type Values } from "./fields";
import type { ComparedRun, JsonObject, ModelDetails, ModelOption } from "./types";

export const FEWEST = 2;
export const MOST = 4;
export const MOST_ROWS = 40;

/** What differs between the requests of a comparison, besides the seed. */
export type Condition = "prompt" | "class" | "evidence";

const CONDITIONS: Condition[] = ["prompt", "class", "evidence"];

export function conditionOf(models: ModelDetails[]): Condition | null {
  return CONDITIONS.find((field) => models.every((model) => has(model, field))) ?? null;
}

/** Whether the answers of a model are text that comes token by token. */
export function streams(model: ModelDetails): boolean {
  // models that fill in masks have the task of text as well, but cannot stream: they have a sampler
  return (model.task === "text" || model.task === "pairs") && !has(model, "sampler");
}

function has(model: ModelDetails, field: string): boolean {
  return model.options.some((option) => option.field === field);
}

/** The options that all models have; a default that they do not share is each model's own. */
export function sharedOptions(models: ModelDetails[]): ModelOption[] {
  const [first, ...others] = models;
  if (!first) return [];
  const elsewhere = new Set<string>(["seed", "input", "states", ...CONDITIONS]);
  if (streams(first)) elsewhere.add("n");
  return first.options.flatMap((option) => {
    const same = others.map((model) => model.options.find(({ field }) => field === option.field));
    if (elsewhere.has(option.field) || same.some((other) => !other)) return [];
    return [{ ...option, default: same.every((other) => other?.default === option.default) ? option.default : null }];
  });
}

/** The lines that say something; one empty line if there are none, for samples without a condition. */
export function toLines(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.length > 0 ? lines : [""];
}

/** Reads seeds such as "1, 2, 3"; null if they are no whole numbers from 0. */
export function toSeeds(text: string): number[] | null {
  const parts = text.split(/[\s,，、]+/).filter(Boolean);
  const seeds = [...new Set(parts.map(Number))];
  return seeds.length > 0 && seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0) ? seeds : null;
}

export interface Asked {
  path: string;
  body: JsonObject;
}

/** The request of one cell: for all models the same but for the name. */
export function requestOf(
  model: ModelDetails, condition: Condition | null, text: string, seed: number, values: Values, isChat: boolean,
): Asked {
  const body: JsonObject = { model: model.id, ...toBody(values), seed };
  if (streams(model)) {
    if (!isChat) return { path: PATHS.continue, body: { ...body, prompt: text } };
    return { path: PATHS.chat, body: { ...body, messages: [{ role: "user", content: text }] } };
  }
  if (model.task === "images") return { path: PATHS.images, body: { ...body, prompt: text } };
  if (condition && text) body[condition] = condition === "evidence" ? toPairs(text.replaceAll(",", "\n")) : text;
  return { path: PATHS.generate, body };
}

function quoted(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The commands that make a study of a comparison, in which people judge the outputs without knowing whose they are. */
export function studyCommand(models: string[], lines: string[], runs: ComparedRun[], count: number): string {
  const paths = models.map((name) => {
    const folder = runs.find((run) => run.model === name)?.name ?? name;
    return quoted(`${name}=runs/${folder}`);
  });
  const file = lines.some((line) => line !== "");
  const command = ["atelier rate create", ...paths, ...(file ? ["--prompts prompts.txt"] : []), `--count ${count}`];
  const prompts = file ? [`printf '%s\\n' ${lines.map(quoted).join(" ")} > prompts.txt`] : [];
  return [...prompts, `${command.join(" ")} --out study`].join("\n");
}
