// Makes small tokenizers, one a feature of Hugging Face's tokenizers library, and lets that library encode and decode:
//   node tokenizer_features.mjs PACKAGE COUNT [JAVASCRIPT] > golden.json
// PACKAGE is the folder of the npm package tokenizers, the library in Rust; COUNT the number of texts. JAVASCRIPT is
// the folder of the npm package @huggingface/tokenizers, whose differing ids are then counted on standard error.
// The committed golden file has 24 texts.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { byteLevel, characterMap, letters, merges, texts } from "./tokenizer_texts.mjs";

const [folder, count, javascript] = process.argv.slice(2);
const { Tokenizer } = createRequire(import.meta.url)(resolve(folder));
const learning = texts(300);
const characters = [...new Set(learning.flatMap((text) => [...text]))].sort().filter((c) => !/\s/u.test(c));
const usual = characters.filter((_, i) => i % 4 !== 0); // the others are unknown
const bytes = [...Array(256).keys()].map((value) => `<0x${value.toString(16).toUpperCase().padStart(2, "0")}>`);
const byIndex = (names) => Object.fromEntries([...new Set(names)].map((name, id) => [name, id]));
const learned = learning.flatMap((text) => text.split(/\s+/u).filter(Boolean)).map((word) => [...word]);
const plainMerges = merges(learned, 60);
const spaceMerges = merges(learning.map((text) => [...`▁${text.replaceAll(" ", "▁")}`]), 60);
const joined = (pairs) => pairs.map(([left, right]) => left + right);
const asStrings = (pairs) => pairs.map((pair) => pair.join(" "));

// Merges across words show where a step cuts.
const byteMerges = merges(learning.map(byteLevel), 150);
const specials = ["<s>", "</s>", "[MASK]", "[CLS]", "[SEP]", "[UNK]"];
const models = {
  bytes: {
    type: "BPE", vocab: byIndex([...letters, ...joined(byteMerges), ...specials]), merges: asStrings(byteMerges),
  },
  unknown: {
    type: "BPE", unk_token: "[UNK]", vocab: byIndex(["[UNK]", ...usual, ...joined(plainMerges)]),
    merges: plainMerges.filter((pair) => pair.every((side) => [...side].every((c) => usual.includes(c)))),
  },
  suffix: (() => {
    const pairs = merges(learned.map((word) => [...word.slice(0, -1), `${word.at(-1)}</w>`]), 80);
    return {
      type: "BPE", unk_token: "[UNK]", end_of_word_suffix: "</w>", merges: asStrings(pairs),
      vocab: byIndex(["[UNK]", ...usual, ...usual.map((c) => `${c}</w>`), ...pairs.flat(), ...joined(pairs)]),
    };
  })(),
  prefix: (() => {
    const join = (left, right) => left + right.slice(2);
    const pairs = merges(learning.flatMap((text) => text.split(/[\s#]+/u).filter(Boolean)
      .map((word) => [...word].map((c, i) => (i > 0 ? `##${c}` : c)))), 80, join);
    return {
      type: "BPE", unk_token: "[UNK]", continuing_subword_prefix: "##", merges: pairs,
      vocab: byIndex(["[UNK]", ...usual, ...usual.map((c) => `##${c}`), ...pairs.flat(),
        ...pairs.map(([left, right]) => join(left, right))]),
    };
  })(),
  fallback: {
    type: "BPE", unk_token: "<unk>", fuse_unk: true, byte_fallback: true,
    vocab: byIndex(["<unk>", "<s>", "</s>", ...bytes, "▁", ...usual, ...spaceMerges.flat(), ...joined(spaceMerges)]),
    merges: asStrings(spaceMerges),
  },
  someBytes: {
    type: "BPE", unk_token: "<unk>", byte_fallback: true,
    vocab: byIndex(["<unk>", ...bytes.slice(0, 0xe0), "▁", ...usual, ...spaceMerges.flat(), ...joined(spaceMerges)]),
    merges: asStrings(spaceMerges),
  },
  wordPiece: {
    type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100,
    vocab: byIndex(["[UNK]", "[CLS]", "[SEP]", "[MASK]", ...usual, ...usual.map((c) => `##${c}`),
      ...joined(plainMerges), ...joined(plainMerges).map((piece) => `##${piece}`)]),
  },
  wordLevel: {
    type: "WordLevel", unk_token: "[UNK]",
    vocab: byIndex(["[UNK]", ..."the hello fox don t 's it . , ! ( ) 123 привет мир 世界 你好 مرحبا नमस्ते 세계 안녕하세요"
      .split(" ")]),
  },
  letters: { type: "WordLevel", unk_token: "<unk>", vocab: byIndex(["<unk>", "<pad>", "|", ...usual]) },
  unigram: {
    type: "Unigram", unk_id: 0,
    vocab: [...new Set(["<unk>", "<s>", "▁", ...usual, ...joined(spaceMerges)])]
      .map((piece, i) => [piece, i < 2 ? 0 : -2 - (i % 17) / 3 - 1.5 * [...piece].length ** 0.5]),
  },
};
models.unigramBytes = {
  type: "Unigram", unk_id: 0, byte_fallback: true,
  vocab: [...models.unigram.vocab, ...bytes.map((name) => [name, -20])],
};

const split = (pattern, behavior = "Isolated", invert = false) => ({ type: "Split", pattern, behavior, invert });
const regex = (text) => ({ Regex: text }), string = (text) => ({ String: text });
const sequence = (key, ...steps) => ({ type: "Sequence", [key]: steps });
const byteStep = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
const cut = (...steps) => sequence("pretokenizers", ...steps, byteStep);
const change = (...steps) => sequence("normalizers", ...steps);
const decode = (...steps) => sequence("decoders", ...steps);
const metaspace = (more) => ({ type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true, ...more });
const sentence = decode({ type: "Replace", pattern: string("▁"), content: " " }, { type: "ByteFallback" },
  { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 });
const added = (content, more) => ({
  content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false, ...more,
});
const llama3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
  + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const upper = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
  + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
const han = "[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+";
const bert = {
  type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true,
};
const words = { pre: { type: "WhitespaceSplit" } };

// name, model, and what differs from no normalizer, pre-tokenizer, post-processor and decoder
const byteFeatures = {
  "ByteLevel": { pre: { ...byteStep, add_prefix_space: true, use_regex: true } },
  "ByteLevel without its expression": { pre: byteStep },
  "ByteLevel after every step": { pre: sequence("pretokenizers", byteStep,
    { ...byteStep, add_prefix_space: true, use_regex: true }) },
  "Split, an expression, Isolated, ignore_merges": { pre: cut(split(regex(llama3))), model: { ignore_merges: true } },
  "Split, an expression with cases and marks": { pre: cut(split(regex(
    `${upper}|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*` + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"))) },
  "Split, expressions one after another": { pre: cut(split(regex("\\p{N}{1,3}")), split(regex(han)),
    split(regex("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
      + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"))) },
  "Split, an expression, Removed and inverted": { pre: cut(split(regex("\\w+|[^\\w\\s]+"), "Removed", true)) },
  "Split, an expression, Removed": { pre: cut(split(regex("\\s+|[.,]"), "Removed")) },
  "Split, an expression, Contiguous": { pre: cut(split(regex("\\p{L}|\\p{M}"), "Contiguous")) },
  "Split, a string, MergedWithPrevious": { pre: cut(split(string(" "), "MergedWithPrevious")) },
  "Split, a string, MergedWithNext": { pre: cut(split(string(" "), "MergedWithNext")) },
  "Split, a string, Contiguous and inverted": { pre: cut(split(string("a"), "Contiguous", true)) },
  "Split, a look behind and edges of words": { pre: cut(split(regex("(?<=[a-z])\\b|(?<!\\s)\\s(?=\\S)|^\\S|.$"))) },
  "Split, classes of Ruby": { pre: cut(split(regex(
    "[[:alpha:]&&[^a-f]]+|\\h{2,}|[\\p{Han}\\p{Hiragana}]+?|(?>a+)b"))) },
  "Split, more classes of Ruby": { pre: cut(split(regex(
    "[[:punct:]]+|[[:alnum:]]{2}|[[:upper:]][[:lower:]]|[[:^graph:]]|"
    + "[[:blank:]]|\\p{^Cyrillic}{3}"))) },
  "Punctuation": { pre: cut({ type: "Punctuation" }) },
  "Punctuation, Removed": { pre: cut({ type: "Punctuation", behavior: "Removed" }) },
  "Punctuation, MergedWithPrevious": { pre: cut({ type: "Punctuation", behavior: "MergedWithPrevious" }) },
  "Punctuation, MergedWithNext": { pre: cut({ type: "Punctuation", behavior: "MergedWithNext" }) },
  "Punctuation, Contiguous": { pre: cut({ type: "Punctuation", behavior: "Contiguous" }) },
  "Digits": { pre: cut({ type: "Digits", individual_digits: false }) },
  "Digits, each": { pre: cut({ type: "Digits", individual_digits: true }) },
  "CharDelimiterSplit": { pre: cut({ type: "CharDelimiterSplit", delimiter: "-" }) },
  "UnicodeScripts": { pre: cut({ type: "UnicodeScripts" }) },
  "FixedLength": { pre: cut({ type: "FixedLength", length: 3 }) },
  "Whitespace": { pre: cut({ type: "Whitespace" }) },
  "WhitespaceSplit": { pre: cut({ type: "WhitespaceSplit" }) },
  "BertPreTokenizer": { pre: cut({ type: "BertPreTokenizer" }) },
  "NFC": { normalizer: { type: "NFC" }, pre: byteStep },
  "NFD, StripAccents, Lowercase": {
    normalizer: change({ type: "NFD" }, { type: "StripAccents" }, { type: "Lowercase" }), pre: byteStep,
  },
  "NFKC": { normalizer: { type: "NFKC" }, pre: byteStep },
  "NFKD": { normalizer: { type: "NFKD" }, pre: byteStep },
  "Lowercase": { normalizer: { type: "Lowercase" }, pre: byteStep },
  "StripAccents": { normalizer: { type: "StripAccents" }, pre: byteStep },
  "Strip": { normalizer: { type: "Strip", strip_left: true, strip_right: false }, pre: byteStep },
  "Replace, an expression": {
    normalizer: change({ type: "Replace", pattern: regex("\\s{2,}|[\\n\\r\\t]"), content: " " },
      { type: "Replace", pattern: string("a"), content: "aa" }), pre: byteStep,
  },
  "Prepend": { normalizer: { type: "Prepend", prepend: "▁x" }, pre: byteStep },
  "Nmt": { normalizer: { type: "Nmt" }, pre: byteStep },
  "BertNormalizer": { normalizer: bert, pre: byteStep },
  "BertNormalizer, its switches": {
    normalizer: {
      type: "BertNormalizer", clean_text: false, handle_chinese_chars: false, strip_accents: true, lowercase: false,
    }, pre: byteStep,
  },
  "Precompiled": {
    normalizer: { type: "Precompiled", precompiled_charsmap: characterMap([["ﬁ", "fi"], ["\u3000", " "],
      ["e\u0301", "é"],
      ["①", "1"], ["\u0001", ""], ["ａ", "a"], ["½", "1/2"], ["\u200d", " "]]) }, pre: byteStep,
  },
  "ByteLevel, the normalizer": {
    normalizer: change({ type: "ByteLevel" }), pre: split(regex("Ġ?[a-z]+|."), "Isolated"),
  },
  "added tokens with lstrip, rstrip and single_word": {
    pre: { ...byteStep, use_regex: true },
    added: [added("<x>", { lstrip: true }), added("<y>", { rstrip: true }), added("ab", { single_word: true }),
      added("123", { single_word: true, lstrip: true, rstrip: true }),
      added("[MASK]", { special: true, lstrip: true, rstrip: true })],
  },
  "added tokens, normalized": {
    normalizer: { type: "Lowercase" }, pre: byteStep,
    added: [added("<Word>", { normalized: true }), added("The", { normalized: true, single_word: true }),
      added("<x>"), added("x", { normalized: true }), added("<s>", { special: true })],
  },
  "RobertaProcessing": {
    pre: byteStep, post: {
      type: "RobertaProcessing", sep: ["</s>", 0], cls: ["<s>", 0], trim_offsets: true, add_prefix_space: false,
    },
    added: [added("<s>", { special: true }), added("</s>", { special: true })],
  },
  "TemplateProcessing in a Sequence": {
    pre: byteStep, post: sequence("processors", byteStep, {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "</s>", type_id: 1 } }, { SpecialToken: { id: "</s>", type_id: 1 } }],
      pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
    }), added: [added("<s>", { special: true }), added("</s>", { special: true })],
  },
};
const wordPieceDecoder = { type: "WordPiece", prefix: "##", cleanup: true };
const features = [
  ...Object.entries(byteFeatures).map(([name, parts]) => [name, "bytes", { decoder: byteStep, ...parts }]),
  ["BPE with unk_token", "unknown", words],
  ["BPE with fuse_unk", "unknown", { ...words, model: { fuse_unk: true } }],
  ["BPE without unk_token", "unknown", { ...words, model: { unk_token: null }, decoder: { type: "Fuse" } }],
  ["BPE with dropout 0", "unknown", { pre: { type: "Whitespace" }, model: { dropout: 0 } }],
  ["BPE with end_of_word_suffix, BPEDecoder", "suffix", { ...words, decoder: { type: "BPEDecoder", suffix: "</w>" } }],
  ["BPE with continuing_subword_prefix", "prefix", { ...words, decoder: wordPieceDecoder }],
  ["BPE with byte_fallback", "fallback", {
    normalizer: change({ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: string(" "), content: "▁" }),
    decoder: sentence,
  }],
  ["BPE with byte_fallback for some bytes", "someBytes", { pre: metaspace(), decoder: sentence }],
  ["Metaspace, first", "fallback", {
    pre: metaspace({ prepend_scheme: "first" }), decoder: metaspace({ prepend_scheme: "first" }),
    added: [added("<x>"), added("<s>", { special: true })],
  }],
  ["Metaspace, never", "fallback", {
    pre: metaspace({ prepend_scheme: "never", split: false }), decoder: metaspace({ prepend_scheme: "never" }),
  }],
  ["Metaspace with another replacement", "unknown", {
    pre: metaspace({ replacement: "_" }), decoder: metaspace({ replacement: "_" }),
  }],
  ["Unigram", "unigram", { pre: metaspace(), decoder: metaspace() }],
  ["Unigram with NMT and a map", "unigram", {
    normalizer: change({ type: "Nmt" }, { type: "NFKC" }, { type: "Replace", pattern: regex(" {2,}"), content: " " }),
    pre: metaspace(), decoder: metaspace(),
  }],
  ["Unigram without a pre-tokenizer", "unigram", { decoder: metaspace() }],
  ["Unigram with byte_fallback", "unigramBytes", { pre: metaspace({ split: false }), decoder: sentence }],
  ["WordPiece as BERT's", "wordPiece", {
    normalizer: bert, pre: { type: "BertPreTokenizer" }, decoder: wordPieceDecoder,
    post: { type: "BertProcessing", sep: ["[SEP]", 2], cls: ["[CLS]", 1] },
    added: ["[UNK]", "[CLS]", "[SEP]", "[MASK]"].map((name) => added(name, { special: true })),
  }],
  ["WordPiece without clean-up", "wordPiece", {
    pre: { type: "Whitespace" }, decoder: { ...wordPieceDecoder, cleanup: false },
  }],
  ["WordPiece with short words", "wordPiece", { ...words, model: { max_input_chars_per_word: 4 } }],
  ["WordPiece with another prefix", "wordPiece", {
    ...words, model: { continuing_subword_prefix: "" }, decoder: { type: "WordPiece", prefix: "", cleanup: true },
  }],
  ["WordLevel", "wordLevel", { pre: { type: "Whitespace" } }],
  ["WordLevel without a pre-tokenizer", "wordLevel", {
    normalizer: { type: "Strip", strip_left: true, strip_right: true },
  }],
  ["CTC", "letters", {
    normalizer: { type: "Replace", pattern: string(" "), content: "|" }, pre: split(regex("."), "Isolated"),
    decoder: { type: "CTC", pad_token: "<pad>", word_delimiter_token: "|", cleanup: true },
  }],
  ["decoders in a Sequence", "fallback", {
    pre: metaspace(),
    decoder: decode({ type: "Replace", pattern: regex("▁+"), content: " " },
      { type: "Strip", content: " ", start: 0, stop: 1 },
      { type: "ByteFallback" }, { type: "Fuse" }),
  }],
];

function whole(model, { normalizer = null, pre = null, post = null, decoder = null, added = [], model: more = {} }) {
  const ids = model.vocab instanceof Array ? byIndex(model.vocab.map(([name]) => name)) : model.vocab;
  const extra = added.map(({ content }) => content).filter((name) => !(name in ids));
  const id = (name) => ids[name] ?? Object.keys(ids).length + extra.indexOf(name);
  const filled = JSON.parse(JSON.stringify(post), (key, value) =>
    (key === "sep" || key === "cls" ? [value[0], id(value[0])] : value));
  for (const step of [filled, ...(filled?.processors ?? [])].filter((one) => one?.type === "TemplateProcessing")) {
    step.special_tokens = Object.fromEntries(step.single.filter((part) => part.SpecialToken)
      .map(({ SpecialToken: { id: name } }) => [name, { id: name, ids: [id(name)], tokens: [name] }]));
  }
  return {
    version: "1.0", truncation: null, padding: null,
    added_tokens: added.map((token) => ({ id: id(token.content), ...token })).sort((a, b) => a.id - b.id),
    normalizer, pre_tokenizer: pre, post_processor: filled, decoder,
    model: { ...model, ...more },
  };
}

const inputs = texts(Number(count));
const script = javascript && pathToFileURL(join(resolve(javascript), "dist", "tokenizers.mjs"));
const Script = script && (await import(script)).Tokenizer;
const tokenizers = [];
for (const [name, model, parts] of features) {
  const file = whole(models[model], parts);
  const tokenizer = Tokenizer.fromString(JSON.stringify(file));
  const ids = [], decoded = [];
  for (const text of inputs) {
    ids.push([...(await tokenizer.encode(text, null, { addSpecialTokens: true })).getIds()]);
    decoded.push(await tokenizer.decode(ids.at(-1), true));
  }
  const { model: { vocab, merges: pairs, ...settings }, ...rest } = file;
  tokenizers.push({ name, vocabulary: model, tokenizer: { ...rest, model: settings }, ids, decoded });
  if (Script) {
    try {
      const other = new Script(file, {});
      const differing = inputs.filter((text, i) => other.encode(text).ids.join() !== ids[i].join());
      console.error(`${name}: ${differing.length} of ${inputs.length} differ ${JSON.stringify(differing[0] ?? "")}`);
    } catch (error) {
      console.error(`${name}: ${error.message}`);
    }
  }
}
const vocabularies = Object.fromEntries(Object.entries(models)
  .map(([name, { vocab, merges: pairs }]) => [name, pairs ? { vocab, merges: pairs } : { vocab }]));
console.log(JSON.stringify({ texts: inputs, vocabularies, tokenizers }));
