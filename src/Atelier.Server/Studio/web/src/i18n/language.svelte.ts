import { words } from "../lib/format";
import { en, type Dictionary, type Key } from "./en";
import { zh } from "./zh";
import { FIGURES, UNITS } from "./zh.figures";

export type Language = "en" | "zh";

const KEY = "atelier.language";
const DICTIONARIES: Record<Language, Dictionary> = { en, zh };

function initial(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === "en" || stored === "zh") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

class Languages {
  current = $state<Language>(initial());

  /** The locale of numbers and dates, and the value of the document's lang. */
  get locale(): string {
    return this.current === "zh" ? "zh-CN" : "en";
  }

  toggle(): void {
    this.current = this.current === "en" ? "zh" : "en";
    localStorage.setItem(KEY, this.current);
  }
}

export const languages = new Languages();

/** The text of a key in the current language, with {names} replaced. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return DICTIONARIES[languages.current][key].replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

function known(key: string): string | null {
  return key in en ? t(key as Key) : null;
}

/** The general help of a field; null if there is none. */
export function helpOf(field: string): string | null {
  return known(`help_${field}`);
}

/** The name of a field as forms show it; null if it has none of its own. */
export function labelOf(field: string): string | null {
  return known(`label_${field}`);
}

/** The name of a part of a recipe. */
export function sectionName(name: string): string {
  return known(`section_${name}`) ?? words(name);
}

/** The name of a metric or curve as pages show it. */
export function figureName(name: string): string {
  return known(`figure_${name}`) ?? (languages.current === "zh" ? FIGURES[name] : undefined) ?? words(name);
}

/** The kind of data of a model as pages show it: the server's word, which is English. */
export function kindName(kind: string): string {
  return (languages.current === "zh" ? known(`kind_${kind}`) : null) ?? kind;
}

/** A unit of the server as pages show it. */
export function unitName(unit: string): string {
  return (languages.current === "zh" ? UNITS[unit] : undefined) ?? unit;
}

/** The name of a fact of a model card, such as "trained on". */
export function factName(name: string): string {
  return known(`fact_${name.replaceAll(" ", "_")}`) ?? name.charAt(0).toUpperCase() + name.slice(1);
}
