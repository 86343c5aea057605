// Two studies of the mock: the token "pairs" compares texts, "images" pictures, and "scales" values texts.
import { drawing } from "./media.mjs";

const PROMPT = "Write the beginning of a story about a fox.";
const TEXTS = [
  "A fox lived near the river.\n\nEvery morning it sang to the fish, and the fish did not mind.",
  "Fox the fox was fox.\nThe fox fox.",
  "There was once a fox who was afraid of the dark. One night, the moon did not come.",
  "The fox went to the the shop and buyed a house.",
];
const RUBRICS = [
  { name: "fluency", description: "How well the text reads.", lowest: 1, highest: 5,
    lowest_label: "incomprehensible", highest_label: "flawless" },
  { name: "interest", description: "Whether you would read on.", lowest: 1, highest: 5,
    lowest_label: "no", highest_label: "yes" },
];
const QUESTIONS = 3;

const answers = { pairs: [], images: [], scales: [] };

export const isKnown = (token) => token in answers;
export const answersOf = (token) => answers[token];

function output(token, i) {
  return token === "images" ? { id: `o${i}`, media_type: "image/png", b64: drawing(i) }
    : { id: `o${i}`, media_type: "text/plain", text: TEXTS[i % TEXTS.length] };
}

export function question(token) {
  const isScale = token === "scales";
  const answered = Math.floor(answers[token].length / (isScale ? RUBRICS.length : 1));
  const isOver = answered >= QUESTIONS;
  return {
    study: { id: token, title: "Stories about animals", kind: isScale ? "scale" : "pairwise",
      rubrics: isScale ? RUBRICS : [] },
    rater: "Ada", answered,
    pair: isScale || isOver ? null
      : { prompt: PROMPT, left: output(token, answered), right: output(token, answered + 1) },
    item: isScale && !isOver ? { ...output(token, answered), prompt: PROMPT } : null,
  };
}

export function answer({ token, ...fields }) {
  answers[token].push(fields);
}

export function undo(token) {
  answers[token].splice(token === "scales" ? -RUBRICS.length : -1);
}

export function reset() {
  for (const list of Object.values(answers)) list.length = 0;
}
