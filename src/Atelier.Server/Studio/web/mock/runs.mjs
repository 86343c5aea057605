// The runs of the mock: two that ended, and one that goes on while the mock runs.
import { drawing } from "./media.mjs";

const began = Date.now();
const TOTAL = 2000;

export function curves(steps, floor, wobble) {
  const loss = [], validationLoss = [], learningRate = [], tokensPerSecond = [];
  for (let step = 10; step <= steps; step += 10) {
    const value = floor + 4 * Math.exp(-step / 260) + wobble * Math.sin(step / 7) * Math.exp(-step / 900);
    loss.push([step, value]);
    learningRate.push([step, 0.001 * Math.min(1, step / 200) * (1 - step / (TOTAL + 1))]);
    tokensPerSecond.push([step, 24000 + 900 * Math.sin(step / 50)]);
    if (step % 100 === 0) validationLoss.push([step, value + 0.08]);
  }
  return { loss, validationLoss, learningRate, tokensPerSecond };
}

const RECIPE = `name: stories
data:
  text: stories.jsonl
model:
  family: gpt
  layers: 6
  hiddenSize: 256
training:
  steps: ${TOTAL}
  learningRate: 0.001
`;

export const TEXT = "Once upon a time there was a little fox.\n\nIt lived near the river and liked to sing.";

function run(id, name, family, status, steps, floor, wobble) {
  const made = curves(steps, floor, wobble);
  const best = made.validationLoss.at(-1)?.[1];
  const isText = family !== "diffusion";
  return {
    id, name, family, recipe: name, status, steps, seconds: steps * 0.22, total_steps: TOTAL,
    started: "2026-11-30T08:15:00Z", finished: status === "running" ? null : "2026-11-30T08:23:00Z",
    metrics: best ? { bestValidationLoss: best, validationAccuracy: 0.61, trainingLoss: floor + 0.02 } : {},
    recipe_yaml: RECIPE, curves: made,
    samples: Array.from({ length: Math.floor(steps / 500) }, (_unused, i) => {
      const at = `step-${(i + 1) * 500}`;
      return isText ? { name: `${at}.txt`, media_type: "text/plain", text: TEXT }
        : { name: `${at}.png`, media_type: "image/png", b64: drawing(i) };
    }),
    plots: status === "running" ? [] : [{ name: "loss.png", media_type: "image/png", b64: drawing(7) }],
  };
}

export function runs() {
  const step = Math.min(TOTAL, 700 + 10 * Math.floor((Date.now() - began) / 500));
  return [
    run("a1b2", "stories-large", "gpt", step < TOTAL ? "running" : "finished", step, 1.4, 0.15),
    run("c3d4", "stories-small", "gpt", "finished", TOTAL, 1.75, 0.25),
    run("e5f6", "mnist-diffusion", "diffusion", "interrupted", 1200, 0.03, 0.02),
    run("0789", "first-try", "rnn", "failed", 0, 2, 0),
  ];
}

// what only the details of a run have
const DETAILS = new Set([
  "curves", "samples", "plots", "recipe_yaml", "total_steps", "progress", "log", "failure", "model", "data",
]);

export const summary = (run) => Object.fromEntries(Object.entries(run).filter(([name]) => !DETAILS.has(name)));
