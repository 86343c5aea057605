// Small files that stand for the results of models: PNG images and WAV sounds made from numbers.
import { crc32, deflateSync } from "node:zlib";

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A grey image in base64; `shade` gives a value from 0 to 255 for x and y. */
export function png(width, height, shade) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits of a sample; the colour type 0 is grey
  const rows = Buffer.alloc((width + 1) * height); // each row begins with its filter, 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = shade(x, y);
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...parts]).toString("base64");
}

/** A blob whose shape depends on the seed, where a model of digits would draw one. */
export function drawing(seed) {
  return png(28, 28, (x, y) => {
    const angle = Math.atan2(y - 14, x - 14);
    const radius = Math.hypot(x - 14, y - 14);
    const edge = 8 + 2.5 * Math.sin(angle * (2 + (seed % 4)) + seed);
    return Math.round(255 * Math.exp(-(((radius - edge) / 2) ** 2)));
  });
}

/** A tone as a WAV file of 16 bits at 8 kHz. */
export function wav(frequency, seconds) {
  const rate = 8000;
  const count = Math.round(rate * seconds);
  const file = Buffer.alloc(44 + count * 2);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(36 + count * 2, 4);
  file.write("WAVEfmt ", 8, "latin1");
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36, "latin1");
  file.writeUInt32LE(count * 2, 40);
  for (let i = 0; i < count; i++) {
    const fade = Math.min(1, i / 400, (count - i) / 400);
    file.writeInt16LE(Math.round(8000 * fade * Math.sin((2 * Math.PI * frequency * i) / rate)), 44 + i * 2);
  }
  return file;
}

/** What a spectrogram of a sound looks like: bands that rise. */
export function spectrogram(seed) {
  return png(160, 64, (x, y) => {
    const bands = [1, 2, 3].map((n) => Math.exp(-(((64 - y - n * (10 + seed + x / 20)) / 2) ** 2)) / n);
    return Math.round(Math.min(255, 20 + 235 * bands.reduce((sum, one) => sum + one, 0)));
  });
}

/** A contact sheet: six frames of a shape that moves. */
export function clip(seed) {
  return png(192, 32, (x, y) => {
    const frame = Math.floor(x / 32);
    const distance = Math.hypot((x % 32) - (6 + 4 * frame), y - (10 + ((frame * (seed + 2)) % 14)));
    return x % 32 === 0 ? 90 : Math.round(255 * Math.exp(-((distance / 5) ** 4)));
  });
}
