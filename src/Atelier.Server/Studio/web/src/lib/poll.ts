import { untrack } from "svelte";
import { isAbort } from "./api.svelte";

/** Repeats work until its answer says that there is nothing to wait for, or until it is stopped. */
export function poll(work: (signal: AbortSignal) => Promise<boolean>, milliseconds: number): () => void {
  const stopped = new AbortController();
  let timer = 0;

  async function round(): Promise<void> {
    // a page in the background asks for nothing
    const goesOn = document.hidden || (await work(stopped.signal));
    if (goesOn && !stopped.signal.aborted) timer = setTimeout(() => void round().catch(ignoreAbort), milliseconds);
  }

  // an effect that polls does not depend on what the work reads and changes
  void untrack(round).catch(ignoreAbort);
  return () => {
    clearTimeout(timer);
    stopped.abort();
  };
}

function ignoreAbort(error: unknown): void {
  if (!isAbort(error)) throw error;
}
