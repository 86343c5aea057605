import type { DataKind, DataSet } from "./making";

const KEY = "atelier.make";

interface Content {
  data: DataSet | null;
  /** How the data are read, if not as the server guessed. */
  kind: DataKind | null;
  /** The column of a table that holds the text, if one was named. */
  column: string;
  family: string;
  /** The run whose weights the training starts from, if any. */
  from: string;
  yaml: string;
  /** The recipe before it was edited. */
  original: string;
}

const EMPTY: Content = { data: null, kind: null, column: "", family: "", from: "", yaml: "", original: "" };

function stored(): Content {
  try {
    return { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Content>) };
  } catch {
    return EMPTY; // another version of these pages may have written it
  }
}

/** What is being made: kept in the tab, so that a reload loses nothing. */
class Draft {
  current = $state.raw<Content>(stored());

  /** Whether the recipe has changes that nobody else has. */
  get isEdited(): boolean {
    return this.current.yaml !== this.current.original;
  }

  get kind(): DataKind | null {
    return this.current.kind ?? this.current.data?.kind ?? null;
  }

  change(part: Partial<Content>): void {
    this.current = { ...this.current, ...part };
    sessionStorage.setItem(KEY, JSON.stringify(this.current));
  }

  /** Begins with other data, without a recipe. */
  take(data: DataSet): void {
    this.change({ ...EMPTY, data });
  }

  /** Begins with a recipe that is there already. */
  open(yaml: string): void {
    this.change({ ...EMPTY, yaml, original: yaml });
  }
}

export const draft = new Draft();
