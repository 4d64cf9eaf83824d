/** What was found out about one thing. */
export interface Finding {
  /** Stable, for programs. */
  readonly id: string;
  /** `note`: worth knowing, and nothing to mend. */
  readonly status: "ok" | "missing" | "note";
  /** For people, as is `fix`. */
  readonly text: string;
  /** What to do about it, a line each. */
  readonly fix: readonly string[];
}

export function ok(id: string, text: string): Finding {
  return { id, status: "ok", text, fix: [] };
}

export function note(id: string, text: string): Finding {
  return { id, status: "note", text, fix: [] };
}

export function missing(id: string, text: string, ...fix: readonly string[]): Finding {
  return { id, status: "missing", text, fix };
}
