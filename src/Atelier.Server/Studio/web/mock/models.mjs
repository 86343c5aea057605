// The models of the mock, their options, and their answers.
import { drawing, wav } from "./media.mjs";

const option = (field, description = null, usual = null, example = null, choices = []) => ({
  field, description, default: usual, example, choices,
});
const DIGITS = [..."0123456789"];

const DECODING = [
  option("max_tokens", null, "256"), option("temperature", null, "1"), option("top_k", null, "0"),
  option("top_p", null, "1"), option("min_p", null, "0"), option("repetition_penalty", null, "1"),
  option("stop"), option("pattern"),
];

const TEXTS = [option("prompt", null, null, "Once"), option("n"), ...DECODING];

const IMAGES = [
  option("class", "The class of the images: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.", null, "0", DIGITS),
  option("n", "The number of images.", null, "16"),
  option("sampler", "The sampler: ancestral, ddim, euler, heun or dpm.", "ddim"),
  option("steps", "The number of sampling steps from noise to image.", "50"), option("guidance", null, "1"),
];

export const MODELS = {
  story: { type: "gpt", task: "text", options: TEXTS },
  tales: { type: "gpt", task: "text", options: TEXTS },
  draft: { type: "rnn", task: "text", options: TEXTS },
  digits: { type: "diffusion", task: "images", edits: true, options: IMAGES },
  "digits-gan": { type: "gan", task: "images", options: IMAGES },
  spoken: {
    type: "audio-lm", task: "audio",
    options: [
      option("class", "The class of the sounds: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.", null, "0", DIGITS),
      option("n", "The number of sounds.", null, "4"),
      option("seconds", "The length of each sound, with the beginning that is given.", "0.8"),
    ],
  },
  lungs: {
    type: "bayesian-network", task: "table",
    options: [
      option("evidence",
        "A known value of each row. Can be repeated. The columns: smoke (yes, no), dyspnoea (yes, no).",
        null, "smoke=yes"),
      option("n", "The number of rows.", null, "5"),
    ],
  },
  translate: { type: "marian", task: "pairs", options: [option("prompt", null, null, "The cat sat on the mat.")] },
  chain: { type: "hmm", task: "text", options: [option("prompt", null, null, "The cat")] },
  latents: { type: "vae", task: "images", options: [option("n", "The number of images.", null, "16")] },
};

export const list = () => Object.entries(MODELS).map(([id, { type, task }], i) => ({
  id, object: "model", created: 1796163627, owned_by: "atelier", model_type: type, loaded: i === 0, task,
}));

const TEXT = " there was a little girl who found a red ball in the park .\nShe was very happy and ran home";
const WORDS = TEXT.split(/(?= )/);
const TALES = " there was a fox . The fox was fox . It was big and it was fox .".split(/(?= )/);
const OTHERS = [" big", " the", " day", " boy"];

/** The tokens of an answer, with probabilities and alternatives that depend only on their place. */
export function tokens(count, model) {
  const words = model === "tales" ? TALES : WORDS;
  return Array.from({ length: Math.min(count, words.length) }, (_unused, i) => {
    const token = words[i];
    const share = [0.96, 0.62, 0.31, 0.88, 0.12][i % 5];
    const top = [[token, share], ...OTHERS.map((other, j) => [other, (1 - share) / (2 + j)])];
    return { token, logprob: Math.log(share), top: top.map(([one, p]) => ({ token: one, logprob: Math.log(p) })) };
  });
}

export function samples({ model, n, seed, evidence = {}, class: name }) {
  const count = Number(n ?? 1);
  if (model === "lungs") {
    return Array.from({ length: count }, (_unused, i) => ({
      row: { smoke: "yes", dyspnoea: (i + seed) % 3 ? "no" : "yes", age: 40 + ((i * 7 + seed) % 30), ...evidence },
      logProbability: -2.1,
    }));
  }
  if (model !== "spoken") {
    return Array.from({ length: count }, (_unused, i) => ({ text: `Once upon a time${TEXT}, ${seed % 9 + i} times.` }));
  }
  return Array.from({ length: count }, (_unused, i) => ({
    media_type: "audio/wav", b64: wav(220 + 40 * (Number(name ?? 0) + i), 0.4).toString("base64"),
  }));
}

export const images = ({ n, seed }) =>
  Array.from({ length: n ?? 1 }, (_unused, i) => ({ b64_json: drawing(seed + i) }));

export const speech = ({ input }) => wav(200 + 30 * input.length, 0.3 * input.split(/\s+/).length);
