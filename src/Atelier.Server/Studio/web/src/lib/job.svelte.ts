import { untrack } from "svelte";
import { asApiError, isAbort, type ApiError } from "./api.svelte";

/** A request that a page waits for: one at a time, which can be stopped. */
export class Job {
  #running = $state<AbortController | null>(null);
  error = $state<ApiError | null>(null);

  get busy(): boolean {
    return this.#running !== null;
  }

  async run(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    untrack(() => this.stop()); // an effect that runs a job does not depend on it
    const own = new AbortController();
    this.#running = own;
    this.error = null;
    try {
      await work(own.signal);
    } catch (caught) {
      if (!isAbort(caught)) this.error = asApiError(caught);
    } finally {
      if (this.#running === own) this.#running = null;
    }
  }

  stop(): void {
    this.#running?.abort();
  }
}
