// The recipes of the mock: which families there are, what is advised, and a reader of plain YAML with two levels, which
// checks a few keys as the server checks all.

const FAMILIES = {
  text: [
    ["gpt", "A causal Transformer for text, in GPT-2's or Llama's shape"],
    ["rnn", "A recurrent network for text: plain, LSTM or GRU cells"],
    ["ngram", "N-gram counts with interpolated smoothing: a baseline for text"],
    ["hmm", "Hidden Markov models for text, tags and series"],
  ],
  table: [
    ["bayesian-network", "A directed acyclic graph over discrete columns: sampling with evidence"],
    ["independent", "Independent columns: a baseline for tables"],
  ],
  images: [["diffusion", "Diffusion and flow matching for images"], ["vae", "A variational autoencoder for images"]],
  audio: [["audio-diffusion", "Diffusion for sounds"]],
  pairs: [["transformer", "An encoder-decoder Transformer from text to text"]],
  video: [["video-diffusion", "Diffusion for clips"]],
  tagged: [["hmm", "Hidden Markov models for text, tags and series"]],
  series: [["hmm", "Hidden Markov models for text, tags and series"]],
};

export const families = (kind) => FAMILIES[kind].map(([name, description]) => ({ name, description }));

const recipe = (name, source, kind, family, steps) => `# Chosen for ${name}.
name: ${name}
data:
  source: ${source}
  kind: ${kind}
model:
  family: ${family}
  hiddenSize: 128
training:
  steps: ${steps}
  optimizer: {learningRate: 3e-3}
  evaluateEvery: 200
`;

export function advise(data, kind = data.kind, family = FAMILIES[kind][0][0]) {
  return {
    recipe_yaml: recipe(data.name.replace(/^world:|\.\w+$/g, ""), data.id, kind, family, 1200),
    summary: `${family} on ${data.name}: 0.8 million weights, 1,200 steps, about a minute`,
    amount: kind === "text" ? "3.4 MB of text" : "1200 examples",
    reasons: ["small batches suit so little data", "dropout is 0, because few documents are seen twice"],
  };
}

export const builtIn = () => [
  { name: "quickstart", description: "little English stories from a seeded world whose exact entropy is known",
    recipe_yaml: recipe("quickstart", "world:stories-en", "text", "gpt", 1200) },
  { name: "mnist-vae", description: "MNIST's digits by a VAE",
    recipe_yaml: recipe("mnist-vae", "mnist", "images", "vae", 3000) },
];

const field = (key, usual, type, description, rest = {}) => ({
  key, default: usual, type, description, section: key.includes(".") ? key.split(".")[0] : "recipe", choices: null,
  minimum: null, maximum: null, ...rest,
});
const ALL_FAMILIES = [...new Set(Object.values(FAMILIES).flat().map(([name]) => name))];

const FIELDS = [
  field("name", "run", "text", "A short name, which the folder of the run takes."),
  field("seed", "1", "integer", "The seed of all random numbers."),
  field("data.source", "world:stories-en", "text", "The data source: an upload, a world or a data set."),
  field("data.kind", null, "choice", "The kind of data.", { choices: Object.keys(FAMILIES) }),
  field("data.worldDocuments", "20000", "integer", "The number of documents to generate from a world.",
    { minimum: 1, maximum: 100_000_000 }),
  field("data.column", null, "text", "The column that holds the text."),
  field("data.clean", "[]", "list", "The names of cleaning steps to apply, in order."),
  field("model.family", "gpt", "choice", "The family of the model.", { choices: ALL_FAMILIES }),
  field("model.layerCount", "4", "integer", "The number of Transformer blocks.", { minimum: 1, maximum: 1000 }),
  field("model.hiddenSize", "128", "integer", "The width of the residual stream.", { minimum: 1, maximum: 65_536 }),
  field("model.tieHead", null, "boolean", "Whether the output layer shares the weights of the embedding."),
  field("training.steps", "2000", "integer", "The largest number of steps; null sets no limit.", { minimum: 1 }),
  field("training.batchSize", "32", "integer", "The number of sequences in a batch.", { minimum: 1, maximum: 1e6 }),
  field("training.from", null, "text", "The run whose weights training starts from."),
  field("training.evaluateEvery", "250", "integer", "The number of steps between evaluations.", { minimum: 0 }),
  field("training.clipNorm", "1", "number", "The largest global norm of the gradients.", { minimum: 0 }),
  field("training.precision", null, "choice", "The precision of matrix products.",
    { choices: ["fp32", "tf32", "bf16"] }),
  field("training.optimizer.learningRate", "0.001", "number", "The highest learning rate.", { minimum: 0 }),
  field("generation.temperature", "1", "number", "The sampling temperature, which divides the logits.",
    { minimum: 0, maximum: 100 }),
  field("generation.topK", "0", "integer", "Samples from the k most probable tokens only; 0 keeps all.",
    { minimum: 0 }),
];

/** The value of each key, and its line; throws the number of a line that cannot be read. */
export function read(yaml) {
  const found = new Map();
  const path = [];
  for (const [i, line] of yaml.split("\n").entries()) {
    const text = line.replace(/(^|\s)#.*$/, "").trimEnd();
    if (!text) continue;
    const [, space, key, value] = text.match(/^( *)([A-Za-z]\w*):\s*(.*)$/) ?? [];
    if (!key) throw i + 1;
    path.length = space.length / 2;
    path.push(key);
    const name = path.join(".");
    const inner = value.match(/^\{(.*)\}$/)?.[1];
    for (const pair of inner?.trim() ? inner.split(/,\s*/) : []) {
      const [one, its] = pair.split(/:\s*/);
      found.set(`${name}.${one}`, { value: its, line: i + 1 });
    }
    if (value && inner === undefined) found.set(name, { value, line: i + 1 });
  }
  return found;
}

function fault({ type, minimum, maximum, choices }, value) {
  if (type === "integer" && !/^-?\d+$/.test(value)) return `is '${value}'; a whole number is needed`;
  if (type === "number" && Number.isNaN(Number(value))) return `is '${value}'; a number is needed`;
  if (choices && !choices.includes(value)) return `is '${value}'; allowed: ${choices.join(", ")}`;
  if (minimum !== null && Number(value) < minimum) return `is ${value}; the least is ${minimum}`;
  return maximum !== null && Number(value) > maximum ? `is ${value}; the most is ${maximum}` : null;
}

export function check(yaml) {
  let found;
  try {
    found = read(yaml);
  } catch (line) {
    return { valid: false, errors: [{ message: "this line is no key and value of YAML", line, key: null }],
      summary: null, fields: [] };
  }
  const errors = [];
  for (const [key, { value, line }] of found) {
    const known = FIELDS.find((one) => one.key === key);
    const message = known ? fault(known, value) : "is unknown";
    if (message) errors.push({ message: `${key} ${message}`, line, key });
  }
  const of = (key) => found.get(key)?.value ?? FIELDS.find((one) => one.key === key).default;
  return {
    valid: errors.length === 0, errors,
    summary: errors.length > 0 ? null : `${of("model.family")} on ${of("data.source")}, ${of("training.steps")} steps`,
    fields: FIELDS.map((one) => {
      const isSet = found.has(one.key) && !errors.some(({ key }) => key === one.key);
      return { ...one, value: isSet ? found.get(one.key).value : one.default, set: isSet };
    }),
  };
}

/** Changes one key and leaves all other lines as they are. */
export function change(yaml, key, value) {
  const lines = yaml.split("\n");
  const { line } = read(yaml).get(key) ?? {};
  const name = key.split(".").at(-1);
  if (line) {
    const isInner = lines[line - 1].includes("{");
    if (isInner) {
      const inner = value === null ? /,?\s*/.source + `${name}: [^,}]+` : `${name}: [^,}]+`;
      lines[line - 1] = lines[line - 1].replace(new RegExp(inner), value === null ? "" : `${name}: ${value}`);
    } else if (value === null) lines.splice(line - 1, 1);
    else lines[line - 1] = lines[line - 1].replace(/:.*$/, `: ${value}`);
  } else if (value !== null) {
    const [section, group, inner] = key.split(".");
    const at = lines.indexOf(`${section}:`);
    const text = inner ? `  ${group}: {${inner}: ${value}}` : `  ${name}: ${value}`;
    if (key === name) lines.splice(0, 0, `${name}: ${value}`);
    else if (at >= 0) lines.splice(at + 1, 0, text);
    else lines.splice(-1, 0, `${section}:`, text);
  }
  return lines.join("\n");
}
