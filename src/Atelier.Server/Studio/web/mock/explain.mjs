// Explanations of the models of the mock.
import { drawing } from "./media.mjs";

const LAYERS = 3;
const HEADS = 4;
const WORDS = ["<s>", "The", " cat", " sat", " on", " the", " mat", " because", " it", " was", " tired"];
const TARGET = ["<s>", "Die", " Katze", " saß", " müde"];
const NEXT = [".", " and", ",", " of", " sleepy"];

export const ABILITIES = { story: ["text"], translate: ["text", "target"], chain: ["text", "model"], lungs: ["model"],
  latents: ["model"] };

const base64 = (numbers) => Buffer.from(Float32Array.from(numbers).buffer).toString("base64");

/** Weights that differ by layer and head: to itself, to the token before, to the first one, to all. */
function weights(layer, head, queries, keys, isCausal) {
  return Array.from({ length: queries }, (_unused, q) => {
    const row = Array.from({ length: keys }, (_other, k) => {
      if (isCausal && k > q) return 0;
      const at = (k * queries) / keys;
      return [Math.exp(-Math.abs(q - at)), Math.exp(-2 * Math.abs(q - 1 - at)), k === 0 ? 4 : 0.2, 1][
        (head + layer) % HEADS] + 0.02 * ((q * 7 + k * 3 + layer) % 5);
    });
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((weight) => weight / sum);
  }).flat();
}

function map(kind, queries, keys, isCausal) {
  return {
    kind, layers: LAYERS, heads: HEADS, queries, keys,
    weights: Array.from({ length: LAYERS }, (_unused, layer) => base64(
      Array.from({ length: HEADS }, (_other, head) => weights(layer, head, queries, keys, isCausal)).flat())),
    rollout: kind === "cross" ? null : base64(weights(0, 0, queries, keys, isCausal)),
  };
}

const token = (text, id, p) => ({ id, text, log_probability: p === null ? null : Math.log(p) });
const top = (text, share) => [text, ...NEXT.filter((one) => one !== text)].slice(0, 5)
  .map((one, i) => token(one, i, i === 0 ? share : (1 - share) / (i + 2)));

function lens(texts) {
  return Array.from({ length: LAYERS + 1 }, (_unused, layer) => texts.map((_text, i) => ({
    top: top(layer === LAYERS ? (texts[i + 1] ?? ".") : NEXT[(i + layer) % NEXT.length], (layer + 1) / (LAYERS + 2)),
    log_probability: Math.log((layer + 1) / (LAYERS + 2)),
  })));
}

export function explainText({ model, token: position, occlusion = true }) {
  const isPair = model === "translate";
  const target = isPair ? TARGET : [];
  const read = isPair ? target : WORDS;
  const at = position ?? (isPair ? 1 : WORDS.length);
  const effect = (isTarget) => (_text, i) => ({
    is_target: isTarget, position: i, effect: Math.round(100 * Math.sin(i * 2 + at)) / 50,
  });
  const occluded = [
    ...WORDS.map(effect(false)).filter((one) => one.position > 0 && (isPair || one.position < at)),
    ...target.map(effect(true)).filter((one) => one.position > 0 && one.position < at),
  ];
  const isChain = model === "chain";
  const share = 0.37;
  return {
    tokens: WORDS.map((text, i) => token(text, i, i === 0 || isPair ? null : 0.3)),
    target: target.map((text, i) => token(text, i, i === 0 ? null : 0.4)),
    attention: isChain ? [] : isPair
      ? [map("text", WORDS.length, WORDS.length, false), map("target", target.length, target.length, true),
        map("cross", target.length, WORDS.length, false)]
      : [map("text", WORDS.length, WORDS.length, true)],
    lens: isChain ? [] : lens(read),
    states: !isChain ? [] : WORDS.map((_text, i) =>
      (i === 0 ? [] : [0.7, 0.2, 0.1].map((_p, s, all) => all[(s + i) % 3]))),
    prediction: {
      position: at, query: at - 1, token: token(read[at] ?? ".", 9, share), alternatives: top(read[at] ?? ".", share),
      occlusion: occlusion ? occluded : [],
    },
  };
}

const NETWORK = {
  summary: "8 variables, 8 edges, 18 free parameters; queries are answered exactly",
  tables: [
    { name: "strongest edges", for_programs: false, columns: ["parent", "child", "nats"],
      rows: [["smoke", "bronchitis", 0.05], ["bronchitis", "dyspnoea", 0.2]] },
    { name: "P(dyspnoea | bronchitis)", for_programs: false, columns: ["bronchitis", "dyspnoea=yes", "dyspnoea=no"],
      rows: [["yes", 0.81, 0.19], ["no", 0.12, 0.88]] },
    { name: "P(asia)", for_programs: false, columns: ["asia=yes", "asia=no"], rows: [[0.01, 0.99]] },
  ],
  graph: {
    nodes: ["asia", "smoke", "tuberculosis", "lung cancer", "bronchitis", "either", "x-ray", "dyspnoea"],
    edges: [
      [0, 2, 0.01], [1, 3, 0.02], [1, 4, 0.05], [2, 5, 0.04], [3, 5, 0.2], [5, 6, 0.18], [4, 7, 0.2], [5, 7, 0.03],
    ].map(([parent, child, strength]) => ({ parent, child, strength })),
  },
};

const CHAIN = {
  summary: "a hidden Markov model of 3 states that emit 65 tokens; 206 free parameters",
  tables: [{ name: "transitions", for_programs: false, columns: ["from", "start", "share", "lasts", "next states"],
    rows: [["0", 0.5, 0.4, 1.2, "1 0.700  2 0.120"]] }],
  transitions: { rows: ["start", "0", "1", "2"], columns: ["0", "1", "2"],
    cells: [[0.5, 0.3, 0.2], [0.18, 0.7, 0.12], [0.6, 0.1, 0.3], [0.25, 0.5, 0.25]] },
};

export function explainModel(model) {
  if (model === "lungs") return NETWORK;
  if (model === "chain") return CHAIN;
  return { traversal: { from: -3, to: 3, steps: 11, rows: Array.from({ length: 4 }, (_unused, dimension) => ({
    dimension, media_type: "image/png", b64: drawing(dimension),
  })) } };
}
