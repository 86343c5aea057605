import { getFile } from "./api.svelte";

/** Fetches a file with the key, which no link could send, and saves it under the name that the server gives it. */
export async function download(path: string, signal: AbortSignal): Promise<void> {
  const response = await getFile(path, signal);
  const name = nameOf(response.headers.get("Content-Disposition") ?? "");
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // the browser has begun to save it by then
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The name in a header such as: attachment; filename="a.zip"; filename*=UTF-8''a.zip */
export function nameOf(disposition: string): string {
  const encoded = disposition.match(/filename\*=UTF-8''([^;]+)/i)?.[1];
  if (encoded) return decodeURIComponent(encoded);
  return disposition.match(/filename="?([^";]+)"?/i)?.[1] ?? "download";
}
