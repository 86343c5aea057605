import type { RecipeError, RecipeField } from "./making";

/** A part of a recipe: the fields that most people change, and the others. */
export interface Section {
  name: string;
  first: RecipeField[];
  others: RecipeField[];
}

const ORDER = ["data", "model", "training", "generation", "evaluation"];

// the keys that most people change, whatever they make
const FIRST = new Set([
  "name", "data.source", "data.worldDocuments", "data.tokenizer.kind", "data.tokenizer.vocabularySize",
  "data.image.width", "data.image.height", "data.audio.clipSeconds", "data.pairs.reverse",
  "model.family", "model.layout", "model.layerCount", "model.headCount", "model.hiddenSize", "model.contextLength",
  "model.channels", "model.conditional", "model.latentSize", "model.stateCount", "model.order", "model.structure",
  "training.steps", "training.minutes", "training.batchSize", "training.optimizer.learningRate", "training.from",
  "training.evaluateEvery", "training.sampleEvery", "training.device",
  "generation.temperature", "generation.maxTokens", "generation.steps", "generation.guidance",
]);

/** Puts fields into the sections of recipes; what has no section of its own comes first. */
export function sections(fields: RecipeField[], search: string): Section[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = fields.filter((field) => {
    const text = `${field.key} ${field.description ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : -1);
  const byName = [...Map.groupBy(found, ({ section }) => section)].sort(([a], [b]) => rank(a) - rank(b));
  return byName.map(([name, inside]) => {
    // what was searched for, or has a value of its own, is not hidden
    const isFirst = (field: RecipeField): boolean => words.length > 0 || field.set || FIRST.has(field.key);
    const first = inside.filter(isFirst);
    return { name, first, others: inside.filter((field) => !isFirst(field)) };
  });
}

/** The key within its section: optimizer.learningRate for training.optimizer.learningRate. */
export function shortKey({ key, section }: RecipeField): string {
  return key.startsWith(`${section}.`) ? key.slice(section.length + 1) : key;
}

/** What is wrong with a field, and what stands in the text in its place; null if that is not known. */
export interface Fault {
  message: string;
  written: string | null;
}

/**
 * The fault of a key. The server describes a recipe without its wrong values, therefore those are read from the text.
 */
export function faultOf({ key, line, message }: RecipeError, yaml: string): Fault {
  const name = key?.split(".").at(-1) ?? "";
  const text = line === null ? "" : (yaml.split("\n")[line - 1] ?? "");
  // in a line such as "optimizer: {name: adam, learningRate: 1}", a value ends before the next key
  const value = new RegExp(`(?:^|[\\s{,])${name}:\\s*([^,}#]*)`).exec(text)?.[1]?.trim();
  return { message, written: value ?? null };
}
