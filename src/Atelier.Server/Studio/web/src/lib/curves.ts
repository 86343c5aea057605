import type { Curve, RunDetails } from "./types";

/** A line of the chart: the values of a run over its steps. */
export interface Line {
  label: string;
  /** The place of the run among those that are shown, which decides its colour. */
  run: number;
  isValidation: boolean;
  curve: Curve;
}

// shown together as one quantity, under the name of the first
const VALIDATION = "validationLoss";

/** The quantities that runs have curves of; the loss first. */
export function quantities(runs: RunDetails[]): string[] {
  const names = new Set(runs.flatMap((run) => Object.keys(run.curves)));
  names.delete(VALIDATION);
  const others = [...names].filter((name) => name !== "loss").sort();
  return names.has("loss") || runs.some((run) => VALIDATION in run.curves) ? ["loss", ...others] : others;
}

export function lines(runs: RunDetails[], quantity: string, training: string, validation: string): Line[] {
  return runs.flatMap((run, i) => {
    const own = quantity === "loss" ? ["loss", VALIDATION] : [quantity];
    return own.flatMap((name) => {
      const curve = run.curves[name];
      if (!curve?.length) return [];
      const suffix = quantity === "loss" ? ` · ${name === VALIDATION ? validation : training}` : "";
      return [{ label: run.name + suffix, run: i, isValidation: name === VALIDATION, curve }];
    });
  });
}

/** The steps of all lines and the values of each, null where a line has none, as uPlot takes them. */
export function aligned(all: Line[]): [number[], ...(number | null)[][]] {
  const steps = [...new Set(all.flatMap((line) => line.curve.map(([step]) => step)))].sort((a, b) => a - b);
  const values = all.map((line) => {
    const byStep = new Map(line.curve);
    return steps.map((step) => byStep.get(step) ?? null);
  });
  return [steps, ...values];
}
