export type Theme = "light" | "dark";

const KEY = "atelier.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme | null {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : null;
}

class Themes {
  #chosen = $state<Theme | null>(stored());
  #system = $state<Theme>(system.matches ? "dark" : "light");

  constructor() {
    system.addEventListener("change", () => (this.#system = system.matches ? "dark" : "light"));
  }

  /** The theme that is shown: the one that was chosen, or that of the system. */
  get current(): Theme {
    return this.#chosen ?? this.#system;
  }

  toggle(): void {
    this.#chosen = this.current === "dark" ? "light" : "dark";
    localStorage.setItem(KEY, this.#chosen);
  }
}

export const themes = new Themes();
