import { asApiError, isAbort, postJson, type ApiError } from "../lib/api.svelte";
import { streams, type Asked } from "../lib/compare";
import { stream } from "../lib/stream";
import type { ModelDetails, Sample } from "../lib/types";

export type CellState = "waiting" | "running" | "done" | "stopped" | "failed";

/** The output of one model for one prompt and seed. */
export class Cell {
  state = $state<CellState>("waiting");
  text = $state("");
  tokens = $state(0);
  samples = $state<Sample[]>([]);
  error = $state<ApiError | null>(null);

  constructor(
    readonly model: ModelDetails,
    readonly asked: Asked,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.state = "running";
    try {
      await this.#read(signal);
      this.state = "done";
    } catch (caught) {
      this.state = isAbort(caught) ? "stopped" : "failed";
      if (this.state === "failed") this.error = asApiError(caught);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { path, body } = this.asked;
    if (streams(this.model)) {
      for await (const { token } of stream(path, body, signal)) {
        this.text += token.piece;
        this.tokens++;
      }
    } else if (this.model.task === "images") {
      const { data } = await postJson<{ data: { b64_json: string }[] }>(path, body, signal);
      this.samples = data.map((image) => ({ media_type: "image/png", b64: image.b64_json }));
    } else {
      this.samples = (await postJson<{ samples: Sample[] }>(path, body, signal)).samples;
    }
  }
}

/** The outputs of all models for one prompt and seed. */
export interface Row {
  line: string;
  seed: number;
  cells: Cell[];
}

/** Fills all cells: the models at the same time, and the prompts of each one after another. */
export async function fill(rows: Row[], signal: AbortSignal): Promise<void> {
  const columns = rows[0]?.cells.map((_cell, i) => rows.flatMap((row) => row.cells[i] ?? [])) ?? [];
  await Promise.all(
    columns.map(async (column) => {
      for (const cell of column) await cell.run(signal);
    }),
  );
}
