import { sanitise } from "../host/index.js";

/** Columns of a terminal that a table keeps to. */
const WIDTH = 80;
const GAP = 2;

/** A column: how wide it is at most; the last one takes what is left. */
export interface Column {
  readonly title: string;
  readonly most: number;
}

/** A table of at most 80 columns for people; texts are made harmless and cut at their end. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map((cell) => sanitise(cell).replace(/\s+/g, " ")));
  const widths = columns.map(({ title, most }, at) => {
    const longest = Math.max(title.length, ...clean.map((row) => [...(row[at] ?? "")].length));
    return Math.min(longest, most);
  });
  const used = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP, 0);
  widths[widths.length - 1] = Math.min(widths.at(-1) ?? 0, WIDTH - used);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cut(cell, widths[at] ?? 0).padEnd((widths[at] ?? 0) + GAP))
      .join("")
      .trimEnd();
  return [columns.map(({ title }) => title), ...clean].map((row) => `${line(row)}\n`).join("");
}

function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** `5 min ago`; of a time to come, as a clock that was turned back makes it, the date. */
export function ago(time: number, now: number): string {
  const minutes = Math.floor((now - time) / 60_000);
  if (minutes < 0 || minutes >= 60 * 24 * 7) return new Date(time).toISOString().slice(0, 10);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 60 * 24 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 60 / 24)} days ago`;
}

/** `1.2 MB` */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** The shortest beginnings, from eight characters, that tell these ids apart. */
export function shortIds(ids: readonly string[]): Map<string, string> {
  const sorted = ids.toSorted();
  const common = (a: string, b = "") => {
    let at = 0;
    while (at < a.length && a[at] === b[at]) at += 1;
    return at;
  };
  return new Map(
    sorted.map((id, at) => {
      const length = Math.max(common(id, sorted[at - 1]), common(id, sorted[at + 1])) + 1;
      return [id, id.slice(0, Math.max(8, length))];
    }),
  );
}
