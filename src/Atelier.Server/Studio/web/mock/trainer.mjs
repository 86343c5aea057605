// The trainings that the mock was asked for. One runs at a time; its steps pass with the clock.
import { read } from "./recipes.mjs";
import { curves, TEXT } from "./runs.mjs";

const MOST_WAITING = 2;
const STEPS_A_SECOND = 24_000 / 64;

let started = [];
let pace = 1;

/** Forgets all trainings; `speed` makes the steps pass faster. */
export function reset(speed = 1) {
  started = [];
  pace = speed;
}

/** Lets the steps pass faster or slower from now on. */
export function setPace(speed) {
  advance();
  pace = speed;
  for (const one of started) Object.assign(one, { since: Date.now(), done: one.steps });
}

const isOpen = (one) => one.status === "running" || one.status === "queued";

/** Takes the trainings to the present. */
function advance() {
  const now = Date.now();
  for (const one of started) {
    if (one.status !== "running") continue;
    one.steps = Math.min(one.total, one.done + Math.floor(((now - one.since) / 1000) * STEPS_A_SECOND * pace));
    if (one.fails && one.steps > one.total / 3) {
      Object.assign(one, { status: "failed", failure: "the loss is not a number at step 400; choose a smaller "
        + "training.optimizer.learningRate" });
    } else if (one.steps === one.total) one.status = "finished";
  }
  const next = started.find(({ status }) => status === "queued");
  if (next && !started.some(({ status }) => status === "running")) {
    Object.assign(next, { status: "running", since: now, done: next.steps });
  }
}

export function begin(yaml, refuse) {
  const found = read(yaml);
  const of = (key) => found.get(key)?.value;
  const source = of("data.source") ?? "world:stories-en";
  if (source.includes("/")) refuse(400, `data.source is '${source}'; it must be an upload, a world or a data set`,
    "data.source");
  advance();
  if (started.filter(({ status }) => status === "queued").length >= MOST_WAITING) {
    refuse(409, `${MOST_WAITING} trainings wait already; start this one when one of them has ended`);
  }
  const id = `t${started.length + 1}`;
  const name = `${of("name") ?? "run"}-${started.length + 1}`;
  started.push({ id, name, family: of("model.family") ?? "gpt", source, yaml, status: "queued", steps: 0, done: 0,
    total: Number(of("training.steps") ?? 2000), fails: Number(of("training.optimizer.learningRate")) > 1 });
  advance();
  return { id, name };
}

export function stop(id) {
  advance();
  const one = started.find((run) => run.id === id);
  if (one && isOpen(one)) one.status = "interrupted";
  return one !== undefined;
}

export function resume(id, refuse) {
  advance();
  const one = started.find((run) => run.id === id);
  if (!one || isOpen(one) || one.status === "finished") refuse(409, `the run ${id} runs or is finished`);
  Object.assign(one, { status: "queued", fails: false, failure: null });
  advance();
}

/** The id and the family of each model that was trained here. */
export function trained() {
  advance();
  return started.filter(({ status }) => status === "finished").map(({ name, family }) => ({ id: name, family }));
}

export function runs() {
  advance();
  return started.map((one) => {
    const { id, name, family, status, steps, total } = one;
    const left = (total - steps) / STEPS_A_SECOND / pace;
    return {
      id, name, family, recipe: name, status, steps, seconds: steps / STEPS_A_SECOND, total_steps: total,
      started: "2026-12-01T10:00:00Z", finished: isOpen(one) ? null : "2026-12-01T10:01:00Z", metrics: {},
      recipe_yaml: one.yaml, curves: curves(steps, 1.5, 0.2), plots: [],
      samples: steps < total / 2 ? [] : [{ name: "step-500.txt", media_type: "text/plain", text: TEXT }],
      progress: status === "running"
        ? { step: steps, total, seconds_left: left, per_second: 24_000, unit: "tokens" } : null,
      log: [`reading ${one.source}`, ...Array.from({ length: Math.min(40, Math.floor(steps / 10)) },
        (_unused, i) => `step ${(i + 1) * 10}: loss ${(4 * Math.exp(-i / 30) + 1.5).toFixed(3)}`)],
      failure: one.failure ?? null, model: status === "finished" ? name : null, data: one.source,
    };
  }).reverse();
}
