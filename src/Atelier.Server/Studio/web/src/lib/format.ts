/** A number with about four digits, as figures of runs are read. */
export function figure(value: number, locale: string): string {
  if (!Number.isFinite(value)) return "–";
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(2);
  const isLarge = Math.abs(value) >= 1000;
  return value.toLocaleString(locale, isLarge ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 });
}

/** A number as in a table of figures: one that is not whole keeps its last zeros, so that its precision is seen. */
export function measured(value: number, locale: string): string {
  const size = Math.abs(value);
  const isPlain = !Number.isInteger(value) && size >= 0.001 && size < 1000;
  if (!isPlain) return figure(value, locale);
  return value.toLocaleString(locale, { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });
}

export function percent(logprob: number, locale: string): string {
  const share = Math.exp(logprob);
  const digits = share < 0.01 || share > 0.99 ? 2 : share < 0.1 ? 1 : 0;
  return share.toLocaleString(locale, { style: "percent", maximumFractionDigits: digits });
}

/** A duration such as 1:02:07 or 3:05. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function moment(iso: string | null, locale: string): string {
  if (!iso) return "–";
  return new Date(iso).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
}

/** validationLoss as "validation loss". */
export function words(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/_/g, " ")
    .toLowerCase();
}

/** Makes the blanks of a token visible where it stands alone. */
export function visible(token: string): string {
  return token.replace(/ /g, "␣").replace(/\n/g, "↵").replace(/\t/g, "⇥") || "∅";
}

export function dataUrl(mediaType: string, base64: string): string {
  return `data:${mediaType};base64,${base64}`;
}

/** A seed for requests that name none, so that the result can be generated again. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A number of bytes as 2.3 MB. */
export function bytes(count: number, locale: string): string {
  const power = Math.min(UNITS.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  const digits = power > 0 && value < 10 ? 1 : 0;
  return `${value.toLocaleString(locale, { maximumFractionDigits: digits })} ${UNITS[power]}`;
}
