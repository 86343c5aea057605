import { access, asApiError, ApiError, toError } from "./api.svelte";
import type { NamedFile } from "./dropped";
import type { Uploaded } from "./making";
import type { Json } from "./types";

/** The upload of files, which goes on while other pages are shown. */
class Upload {
  #request = $state.raw<XMLHttpRequest | null>(null);
  /** The share that was sent, from 0 to 1. */
  share = $state(0);
  /** How many files are sent. */
  count = $state(0);
  error = $state<ApiError | null>(null);

  get busy(): boolean {
    return this.#request !== null;
  }

  /** Sends files as one data set. Returns null if that failed or was cancelled. */
  async send(files: NamedFile[], name: string | null): Promise<Uploaded | null> {
    const form = new FormData();
    if (name) form.append("name", name);
    for (const { file, path } of files) form.append("file", file, path);
    this.count = files.length;
    this.share = 0;
    this.error = null;
    try {
      return await this.#post(form);
    } catch (caught) {
      this.error = asApiError(caught);
      return null;
    } finally {
      this.#request = null;
    }
  }

  cancel(): void {
    this.#request?.abort();
  }

  // fetch does not tell how much it has sent
  #post(form: FormData): Promise<Uploaded | null> {
    const request = new XMLHttpRequest();
    this.#request = request;
    request.open("POST", "/v1/atelier/data");
    for (const [header, value] of Object.entries(access.headers)) request.setRequestHeader(header, value);
    request.upload.onprogress = (event) => (this.share = event.lengthComputable ? event.loaded / event.total : 0);
    return new Promise((resolve, reject) => {
      request.onabort = () => resolve(null);
      request.onerror = () => reject(new Error("no answer"));
      request.onload = () => {
        if (request.status === 401) access.refused = true;
        try {
          const body = JSON.parse(request.responseText) as Json;
          if (request.status < 300) resolve(body as unknown as Uploaded);
          else reject(toError(body, request.status));
        } catch {
          reject(new ApiError(request.responseText || String(request.status), request.status));
        }
      };
      request.send(form);
    });
  }
}

export const upload = new Upload();
