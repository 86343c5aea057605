const KEY = "atelier.tour";

interface Progress {
  /** The run that the tour has started. */
  run: string;
  isJudged: boolean;
}

function stored(): Progress | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Progress | null;
  } catch {
    return null;
  }
}

/** How far a newcomer is: kept in the tab, so that the tour goes on after looking at other pages. */
class Tour {
  current = $state.raw<Progress | null>(stored());

  change(progress: Progress | null): void {
    this.current = progress;
    sessionStorage.setItem(KEY, JSON.stringify(progress));
  }
}

export const tour = new Tour();
