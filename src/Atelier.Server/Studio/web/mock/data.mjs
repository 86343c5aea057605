// The data of the mock: uploads that are kept while it runs, worlds and data sets, and a preview of each kind.
import { clip, drawing, spectrogram, wav } from "./media.mjs";

const set = (id, kind, description, rest = {}) => ({
  id, name: id, kind, description, origin: id.startsWith("world:") ? "world" : "dataset", bytes: null, files: null,
  created: null, available: true, ...rest,
});

const READY = [
  set("world:stories-en", "text", "Little English stories whose exact entropy is known."),
  set("world:stories-zh", "text", "Little Chinese stories whose exact entropy is known."),
  set("world:pairs-en-zh", "pairs", "English sentences with their only right translations into Chinese."),
  set("world:shapes", "images", "Coloured shapes on a ground, in 12 classes."),
  set("world:sounds", "audio", "Tones, chirps, rhythms and vowels in 16 classes."),
  set("world:moving-shapes", "video", "Shapes that move and bounce."),
  set("mnist", "images", "70,000 handwritten digits.", { bytes: 11_594_722 }),
  set("ewt", "tagged", "English sentences with parts of speech.", { bytes: 13_000_000 }),
  set("asia", "table", "Patients of a chest clinic, simulated from a published network.", { bytes: 240_000 }),
  set("speech-archive", "audio", "A large collection of recordings.", { available: false }),
];

const KINDS = [
  [/\.(csv|tsv|parquet|xlsx?)$/i, "table"], [/\.(png|jpe?g|gif|webp)$/i, "images"],
  [/\.(wav|mp3|flac|ogg)$/i, "audio"], [/\.(mp4|avi|gif|webm)$/i, "video"], [/\.conllu$/i, "tagged"],
  [/\.(txt|md|jsonl?|html?|zip|tar)$/i, "text"],
];

let uploads = [];
let number = 0;

export const list = () => [...uploads, ...READY];
export const find = (id) => list().find((one) => one.id === id);

export function reset() {
  uploads = [
    { id: "upload-5f2c", name: "survey.csv", kind: "table", description: null, origin: "upload", bytes: 48_213,
      files: 1, created: "2026-11-30T09:12:00Z", available: true },
    { id: "upload-91ab", name: "letters", kind: "text", description: null, origin: "upload", bytes: 2_310_400,
      files: 112, created: "2026-11-29T18:40:00Z", available: true },
  ];
}

reset();

/** Keeps files as one data set; `refuse` throws what the server answers. */
export function add(files, name, refuse) {
  const wrong = files.find((file) => !KINDS.some(([pattern]) => pattern.test(file.name)));
  if (wrong) refuse(400, `the file ${wrong.name} is of no kind that can be read; upload texts, tables, images, sounds `
    + "or videos", "file");
  const [first] = files;
  const one = {
    id: `upload-${String(++number).padStart(4, "0")}`,
    name: name ?? (files.length === 1 ? first.name : "files"),
    kind: KINDS.find(([pattern]) => pattern.test(first.name))[1],
    bytes: files.reduce((sum, { size }) => sum + size, 0), files: files.length,
  };
  uploads.unshift({ ...one, description: null, origin: "upload", created: new Date().toISOString(), available: true,
    paths: files.map((file) => file.name) });
  return one;
}

export function discard(id) {
  uploads = uploads.filter((one) => one.id !== id);
}

const STORY = "Once upon a time there was a little fox. It lived near the river and liked to sing.";
const media = (name, type, b64, label = null) => ({ name, media_type: type, b64, label });
const CLASSES = { circle: 1702, square: 1688, triangle: 1655, star: 1640 };
const NAMES = Object.keys(CLASSES);
const many = (count, make) => Array.from({ length: count }, (_unused, i) => make(i));

const PREVIEWS = {
  text: (count) => ({
    documents: 20_000, characters: 3_412_877, bytes: 3_412_901, encodings: { "stories.txt": "UTF-8" },
    notes: ["3 files are no text and were skipped: a.bin, b.bin, c.bin"],
    first: many(count, (i) => `${STORY} This is story ${i + 1}.`),
    cleaning: { duplicates: 41, empty: 3, removed: [
      { text: STORY, reason: "repeats document 12" }, { text: "…", reason: "has no letters" },
    ] },
  }),
  table: () => ({
    rows: 1200, encodings: { "survey.csv": "windows-1252" },
    notes: ["the separator is ;", "age has decimal commas"],
    columns: [
      { name: "smoke", holds: "names", missing: 0, different: 2, quantiles: [], mean: null,
        counts: { no: 803, yes: 397 } },
      { name: "age", holds: "numbers", missing: 17, different: 61, quantiles: [18, 31, 42.5, 58, 91], mean: 44.7,
        counts: { 42: 33, 31: 30 } },
      { name: "town", holds: "names", missing: 104, different: 9, quantiles: [], mean: null,
        counts: { Riga: 410, Ogre: 251, Cēsis: 198, Sigulda: 120, Valmiera: 84, Bauska: 33 } },
      { name: "remark", holds: "text", missing: 640, different: 552, quantiles: [], mean: null,
        counts: { "came with a letter": 4, "no appointment": 3 } },
    ],
  }),
  series: () => ({
    lengths: [365, 365, 366, 180], encodings: {}, notes: [],
    columns: [
      { name: "temperature", least: -18.2, mean: 7.4, deviation: 8.9, greatest: 31.6 },
      { name: "rain", least: 0, mean: 1.9, deviation: 4.2, greatest: 54.1 },
    ],
  }),
  pairs: (count) => ({
    pairs: 28_421, encodings: {}, notes: ["the columns en and zh are used"],
    sources: { characters: 812_400, longest: 188, different: 27_900 },
    targets: { characters: 301_225, longest: 71, different: 28_003 },
    first: many(count, (i) => ({ source: `The ${["red", "small", "old"][i % 3]} fox sees the river.`,
      target: `${["红", "小", "老"][i % 3]}狐狸看见了河。` })),
  }),
  tagged: () => ({
    sentences: 12_544, words: 204_607, differentWords: 19_672, encodings: {}, notes: [],
    tags: { NOUN: 34_765, PUNCT: 23_679, VERB: 23_036, PRON: 18_589, ADP: 17_640, DET: 16_300, ADJ: 13_150 },
    first: [{ words: ["The", "fox", "sings", "."], tags: ["DET", "NOUN", "VERB", "PUNCT"] }],
  }),
  images: (count) => ({
    pictures: 6685, width: 28, height: 28, channels: 1, classes: CLASSES, notes: ["2 images are damaged: x.png, y.png"],
    media: many(count, (i) => media(`${NAMES[i % 4]}/${i}.png`, "image/png", drawing(i), NAMES[i % 4])),
  }),
  audio: (count) => ({
    sounds: 3000, seconds: 1321.5, shortest: 0.14, longest: 2.28, sampleRates: { 8000: 3000 }, channels: { 1: 3000 },
    held: 300, loudness: [-38.2, -22.1, -14.9], classes: { 0: 300, 1: 300, 2: 300 }, notes: [],
    media: many(Math.min(count, 4), (i) => [
      media(`${i}_theo_0.wav`, "audio/wav", wav(220 + 60 * i, 0.5).toString("base64"), String(i)),
      media(`${i}_theo_0.png`, "image/png", spectrogram(i), String(i)),
    ]).flat(),
  }),
  video: (count) => ({
    videos: 64, fps: 8, seconds: 128, sizes: { "64 × 64": 64 }, classes: {}, notes: [],
    media: [media("frames.png", "image/png", clip(count))],
  }),
};

/** What is in a data set, read as a kind. */
export function preview(one, query, refuse) {
  const kind = query.get("kind") ?? one.kind;
  if (!PREVIEWS[kind]) refuse(400, `there is no kind of data '${kind}'`, "kind");
  if (kind === "series" && one.kind === "text") refuse(400, `${one.name} has no columns of numbers`, "kind");
  return { id: one.id, source: one.id, kind, ...PREVIEWS[kind](Number(query.get("count") ?? 3)) };
}
