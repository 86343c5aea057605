// The cards of the mock's runs, and comparisons of its models.
import { drawing } from "./media.mjs";

const figure = (value, half, unit) => ({ value, low: value - half, high: value + half, unit });
const NATS = "nats per character";
const HEADLINE = { metric: "crossEntropyPerCharacter", unit: NATS, more_is_better: false, part: "held-out" };
const DATA = "tinystories, test part";

const figures = (loss) => ({
  crossEntropyPerCharacter: figure(loss, 0.021, NATS),
  perplexity: figure(Math.exp(loss), 0.06, "per character"),
  distinct2: figure(0.4182, 0, "share of word pairs"),
});

// which run each model is of, and how good it is; null for one that was not evaluated
const JUDGED = {
  story: { run: "a1b2", name: "stories-large", family: "gpt", loss: 1.402 },
  tales: { run: "c3d4", name: "stories-small", family: "gpt", loss: 1.753 },
  draft: { run: null, name: "draft", family: null, loss: null },
};

function difference(own, first) {
  const value = own - first;
  return { ...figure(value, 0.012, NATS), basis: "paired", outcome: value < 0 ? "beaten" : "not_beaten",
    p_value: 0.000999 };
}

export function compare(names) {
  const first = JUDGED[names[0]]?.loss ?? null;
  return {
    runs: names.map((model, i) => {
      const { run, name, family, loss } = JUDGED[model] ?? { run: null, name: model, family: null, loss: null };
      const isPaired = i > 0 && loss !== null && first !== null;
      return {
        run, model, name, family, data: loss === null ? null : DATA, headline: loss === null ? null : HEADLINE,
        figures: loss === null ? null : figures(loss), difference: isPaired ? difference(loss, first) : null,
        sentence: i === 0 || isPaired ? null
          : "not compared: one of them was not evaluated; evaluate it first",
      };
    }),
  };
}

export function card(run) {
  const { total_steps: _total, plots: _plots, ...rest } = run;
  const isText = run.family !== "diffusion";
  const isFinished = run.status === "finished";
  const [model, judged] = Object.entries(JUDGED).find(([, one]) => one.run === run.id) ?? [null, null];
  return {
    ...rest, samples: run.samples.slice(-2), model, model_type: "gpt2", parameters: isFinished ? 5214720 : null,
    description: "Short stories in simple words.", seed: 1,
    summary: `${run.family}, 6 layers, 256 wide, context 256, bpe tokens, 2,000 steps of 32`,
    data: {
      source: isText ? "tinystories" : "mnist", description: isText ? "Short stories in simple English" : null,
      published_by: isText ? "Eldan and Li 2023" : null, licence: isText ? "CDLA-Sharing 1.0" : null,
      files: isText ? [{ name: "stories.txt", bytes: 19432011, sha256: "7f3c".repeat(16) }] : [],
      evaluated_hash: "0c9a31f2e8d44b7f6a5512aa90bd3e71",
    },
    facts: isFinished ? [
      { name: "family", value: run.family }, { name: "parameters", value: "5214720" },
      { name: "vocabulary", value: "4096 (bpe)" }, { name: "trained on", value: "tinystories, 4,120,551 tokens" },
      { name: "seed", value: "1" },
    ] : [],
    about: isFinished ? ["A language model of short stories in simple words.",
      "It repeats what its training text says, right or wrong; judge its samples before you use them."] : [],
    downloads: isFinished && model ? ["bundle", "gguf"] : [],
    report: isFinished && judged ? report(judged.loss) : null,
  };
}

function report(loss) {
  return {
    data: DATA, verdict: `held-out ${loss} ${NATS}`, headline: HEADLINE, figures: figures(loss),
    baselines: { ngram5: { crossEntropyPerCharacter: figure(1.669, 0.02, NATS) } },
    comparisons: { ngram5: difference(loss, 1.669) },
    notes: ["120,551 tokens of 500 documents; each document is judged from its beginning.",
      "Intervals resample documents 1,000 times."],
    picture: { name: "evaluation.png", media_type: "image/png", b64: drawing(3) },
    sections: [{
      title: "Samples", figures: { repeated: figure(0.031, 0.004, "share of 8-grams of the training text") },
      notes: ["Eight samples of 100 tokens."], images: [],
      samples: ["Once upon a time there was a little fox.\nIt lived near the river and liked to sing."],
    }],
  };
}

export const markdown = (run) => `# Evaluation of ${run.name}\n`;
