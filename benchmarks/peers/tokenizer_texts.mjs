// Makes the texts and the small vocabularies of tokenizer_features.mjs: the same ones on every machine.

const words = {
  latin: "the quick Brown fox jumps over lazy dogs don't it's we'LL naïve café Straße Ångström İstanbul ﬁne ǆungla "
    + "e\u0301te\u0301 o\u0302\u0323 VIII x² Ⅷ ½ ＦＵＬＬ ſay K2 hello hello-world foo_bar snake_case http://a.b/c?d=1",
  chinese: "你好 世界 我们 今天 天气 很好 学习 语言 模型 狐狸 跳过 懒狗 ２０２６年 日本語 テスト カタカナー ひらがな 三百 㐀㐁 𠀀𠀁 "
    + "「引用」 。 ， ！ ﹏ 々 〇",
  cyrillic: "привет мир Быстрая лиса Ёжик ёлка подъезд объём и\u0306од ЩУКА съешь ещё этих мягких булок №5 «цитата» "
    + "їжак Ґанок ђак ѝ",
  arabic: "مرحبا بالعالم الكتاب كِتَابٌ ٱلسَّلَامُ ١٢٣ ٤٫٥ هذا اختبار، لغة؟ ﷺ ﻻ بـــسم پارسی ۱۲۳ می\u200cشود",
  devanagari: "नमस्ते दुनिया क्षत्रिय हिन्दी भाषा १२३ परीक्षण। विद्यार्थी ज्ञान कि\u093c क़ ड़ श्री\u200dमान ॐ ऋषि",
  hangul: "안녕하세요 세계 한국어 \u1112\u1161\u11ab 값이 없다 😀 👩‍👩‍👧 🇰🇷 ❤️ 👍🏽 🎉🎉 １２３ ｱｲｳ ™ ① ㈜ ａｂｃ 1️⃣",
};
const others = [
  "123", "2026", "3.14", "7", ",", ".", "!", "?", "...", "—", "«", "»", "(", ")", "$5", "a+b=c", "<=>", "^", "`", "|",
  "~", "@", "#tag", "##", "▁", "_", "<x>", "<y>", "<Word>", "[MASK]", "<s>", "</w>", "n't", " .", " 's", "'", "\"",
  "\t", "\n", "\n\n", "\r\n", "  ", "   ", "\u00a0", "\u3000", "\u200b", "\u2028", "\ufeff", "\u0001", "\u0085",
  "\u00ad", "\ufffd", "\ue000", "\u0300", "aaa", "aaaa", "ab-cd", "A.B.C.", "x1y22z333",
];

// The generator of Park and Miller (1988).
function generator(seed) {
  let state = seed;
  return (count) => (state = (state * 48271) % 2147483647) % count;
}

/** Returns texts in six scripts, by turns. */
export function texts(count) {
  const random = generator(7);
  const lists = Object.values(words).map((text) => text.split(" "));
  const made = [" ", "a", "  the  ", "<x>", " <y> "];
  for (let i = made.length; i < count; i++) {
    const list = lists[i % lists.length];
    let text = "";
    for (let length = 2 + random(6); length > 0; length--) {
      const list2 = random(8) === 0 ? lists[random(lists.length)] : list;
      text += random(3) === 0 ? others[random(others.length)] : list2[random(list2.length)];
      text += random(3) === 0 ? "" : " ";
    }
    made.push(random(2) === 0 ? text.trim() : text);
  }
  return made;
}

/** Learns merges of byte pair encoding from words, each a list of symbols. */
export function merges(sequences, count, join = (left, right) => left + right) {
  let rows = sequences.map((row) => [...row]);
  const learned = [];
  while (learned.length < count) {
    const pairs = new Map();
    for (const row of rows) {
      for (let i = 1; i < row.length; i++) {
        const key = `${row[i - 1]}\u0000${row[i]}`;
        pairs.set(key, (pairs.get(key) ?? 0) + 1);
      }
    }
    const best = [...pairs].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0];
    if (!best || best[1] < 2) break;
    const [left, right] = best[0].split("\u0000");
    learned.push([left, right]);
    rows = rows.map((row) => {
      const next = [];
      for (const symbol of row) {
        if (symbol === right && next.at(-1) === left && next.length > 0) {
          next.pop();
          next.push(join(left, right));
        } else {
          next.push(symbol);
        }
      }
      return next;
    });
  }
  return learned;
}

/** GPT-2's letters of the 256 bytes (Radford et al. 2019). */
export const letters = (() => {
  let next = 256;
  return [...Array(256).keys()].map((value) => {
    const isVisible = (value > 32 && value < 127) || (value > 160 && value !== 173);
    return String.fromCodePoint(isVisible ? value : next++);
  });
})();

/** Returns the letters of a text's bytes. */
export const byteLevel = (text) => [...Buffer.from(text, "utf8")].map((value) => letters[value]);

/** Makes SentencePiece's map of characters: a double-array trie in darts-clone's layout, and the strings. */
export function characterMap(pairs) {
  const units = new Uint32Array(8192), used = new Set([0]), starts = new Set();
  const strings = [], keys = [];
  for (const [from, to] of pairs) {
    keys.push([Buffer.from(from, "utf8"), strings.length]);
    strings.push(...Buffer.from(to, "utf8"), 0);
  }
  const place = (node, below, depth) => {
    const labels = [...new Set(below.map(([key]) => (depth < key.length ? key[depth] : 0)))];
    let start = 1;
    while (starts.has(start) || labels.some((label) => used.has(start ^ label))) start++;
    starts.add(start);
    labels.forEach((label) => used.add(start ^ label));
    const offset = (node ^ start) >>> 0;
    units[node] = (units[node] | (offset << 10)) >>> 0;
    for (const label of labels) {
      const inside = below.filter(([key]) => (depth < key.length ? key[depth] : 0) === label);
      const child = start ^ label;
      if (label === 0) {
        units[child] = (inside[0][1] | 0x80000000) >>> 0;
        units[node] = (units[node] | 0x100) >>> 0;
      } else {
        units[child] = label;
        place(child, inside, depth + 1);
      }
    }
  };
  place(0, keys, 0);
  const size = Math.max(...used) + 257;
  const bytes = Buffer.alloc(4 + 4 * size);
  bytes.writeUInt32LE(4 * size, 0);
  for (let i = 0; i < size; i++) bytes.writeUInt32LE(units[i], 4 + 4 * i);
  return Buffer.concat([bytes, Buffer.from(strings)]).toString("base64");
}
