import type { RunDetails, RunProgress } from "./types";

// What says most about a model comes first; a run has only some of these.
const ORDER = [
  "bestValidationLoss", "validationLoss", "bitsPerByte", "perplexity", "bleu", "chrf", "frechetDistance",
  "classAccuracy", "validationAccuracy", "accuracy", "logLikelihood", "bic", "trainingLoss", "loss",
];
const SHOWN = 3;

/** The few metrics of a run that say most about it. */
export function bestFigures(metrics: Record<string, number>): [name: string, value: number][] {
  const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const entries = Object.entries(metrics).filter(([, value]) => Number.isFinite(value));
  entries.sort(([a], [b]) => rank(a) - rank(b));
  return entries.slice(0, SHOWN);
}

/** How far a run is: as the trainer says, or by the steps that it has reported. */
export function progressOf(run: RunDetails): RunProgress | null {
  if (run.progress) return run.progress;
  if (run.status !== "running" || !run.total_steps) return null;
  return { step: run.steps, total: run.total_steps, seconds_left: timeLeft(run), per_second: null, unit: null };
}

/** The seconds until a run reaches its last step, at its average speed; null if that is unknown. */
function timeLeft(run: RunDetails): number | null {
  if (run.status !== "running" || !run.total_steps || run.steps <= 0 || run.seconds <= 0) return null;
  return ((run.total_steps - run.steps) * run.seconds) / run.steps;
}

/** The latest speeds of a run: tokensPerSecond, clipsPerSecond and the like. */
export function speeds(run: RunDetails): [name: string, value: number][] {
  return Object.entries(run.curves).flatMap(([name, curve]) => {
    const last = curve.at(-1);
    return name.endsWith("PerSecond") && last ? [[name, last[1]]] : [];
  });
}
