import { asApiError, postJson, type ApiError } from "./api.svelte";
import type { RecipeCheck } from "./making";

const PAUSE = 400;

/** A recipe with another value of a key; null removes it, so that its default holds. */
export async function withKey(
  recipe_yaml: string, key: string, value: string | null, signal?: AbortSignal,
): Promise<string> {
  const body = { recipe_yaml, key, value };
  return (await postJson<{ recipe_yaml: string }>("/v1/atelier/recipes/set", body, signal)).recipe_yaml;
}

/** A recipe that is edited as text and as a form. The server reads and writes the text, so that both agree. */
export class RecipeEditor {
  yaml = $state("");
  report = $state.raw<RecipeCheck | null>(null);
  /** Whether the text cannot be read, so that the fields are those of an earlier one. */
  isStale = $state(false);
  /** What the server refused to set, by key. */
  refused = $state<Record<string, string>>({});
  error = $state<ApiError | null>(null);

  #waiting = $state(0);
  #timer = $state(0);
  #last: Promise<void> = Promise.resolve();
  #onchange: (yaml: string) => void;

  constructor(yaml: string, onchange: (yaml: string) => void) {
    this.yaml = yaml;
    this.#onchange = onchange;
    this.#queue(() => this.#check());
  }

  /** Whether the form and the text are not yet known to agree. */
  get busy(): boolean {
    return this.#waiting > 0 || this.#timer !== 0;
  }

  /** Takes a text, and checks it when the writer pauses. */
  write(text: string): void {
    this.#put(text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), PAUSE);
  }

  /** Sets a key; null removes it, so that its default holds. */
  set(key: string, value: string | null): void {
    this.#queue(async () => {
      try {
        await this.#rewrite(key, value);
        await this.#check();
      } catch (caught) {
        const refusal = asApiError(caught);
        if (refusal.status !== 400) throw refusal;
        this.refused[key] = refusal.message;
      }
    });
  }

  /** Waits until all that was written and set has been checked. */
  async settled(): Promise<void> {
    this.#flush();
    await this.#last;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  #put(text: string): void {
    this.yaml = text;
    this.#onchange(text);
  }

  #flush(): void {
    if (this.#timer === 0) return;
    this.stop();
    this.#queue(() => this.#check());
  }

  /** Changes the text, and again if more was written while the server changed it. */
  async #rewrite(key: string, value: string | null): Promise<void> {
    for (;;) {
      const before = this.yaml;
      const changed = await withKey(before, key, value);
      if (this.yaml !== before) continue;
      this.#put(changed);
      return;
    }
  }

  async #check(): Promise<void> {
    const text = this.yaml;
    const report = await postJson<RecipeCheck>("/v1/atelier/recipes/check", { recipe_yaml: text });
    if (text !== this.yaml) return; // a later check is about what was written since
    this.refused = {};
    // of a text that cannot be read, the form keeps the fields that it had
    this.isStale = report.fields.length === 0;
    this.report = report.fields.length > 0 ? report : { ...report, fields: this.report?.fields ?? [] };
  }

  /** Requests follow one another, because each changes what the one before has left. */
  #queue(work: () => Promise<void>): void {
    this.#waiting++;
    this.#last = this.#last.then(async () => {
      try {
        await work();
        this.error = null;
      } catch (caught) {
        this.error = asApiError(caught);
      } finally {
        this.#waiting--;
      }
    });
  }
}
