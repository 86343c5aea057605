/** The page that the part of the address after # names. */
export type Page = "home" | "make" | "play" | "watch" | "compare" | "card" | "understand" | "rate";

export interface Route {
  page: Page;
  /** The rest of the address: names of models, ids of runs, a step, or the token of a rater. */
  argument: string;
}

const PAGES: Page[] = ["make", "play", "watch", "compare", "card", "understand", "rate"];

function read(): Route {
  const [, page = "", ...rest] = location.hash.replace(/^#/, "").split("/");
  const argument = decode(rest.join("/"));
  const known = PAGES.find((one) => one === page);
  return known ? { page: known, argument } : { page: "home", argument: "" };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % is no reason to fail
  }
}

class Router {
  current = $state(read());

  constructor() {
    addEventListener("hashchange", () => (this.current = read()));
  }
}

export const router = new Router();

export function href(page: Page, argument = ""): string {
  if (page === "home") return "#/";
  return argument ? `#/${page}/${encodeURIComponent(argument)}` : `#/${page}`;
}
