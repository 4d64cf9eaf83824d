/** `9ms`, `1.25s`, `2m 05s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = ms / 1000;
  if (seconds < 59.995) return `${seconds.toFixed(2)}s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** A timer of Node holds 2^31-1 ms, some 596 h. */
const LONGEST_MS = 500 * 3_600_000;

/** `90s`, `10m`, `1.5h` in ms; undefined for anything else, for zero and for more than 500 h. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smh])$/.exec(text.trim());
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * UNITS[match[2]!]!);
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}

/** 1234567 as `1,234,567`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** At most `limit` lines: the first ones, how many were left out, the last ones. */
export function excerptLines(lines: readonly string[], limit: number): readonly string[] {
  if (lines.length <= limit) return lines;
  const head = Math.ceil((limit - 1) / 2);
  const tail = limit - 1 - head;
  const left = lines.length - head - tail;
  return [...lines.slice(0, head), `… ${formatCount(left)} lines left out …`, ...lines.slice(lines.length - tail)];
}

/** Why a call came to nothing, without the name of its tool, which is shown beside it. */
export function refusalOf({ name }: { readonly name: string }, message: string): string {
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}

/** A line of at most `limit` characters, and how much more there was. */
export function shortenLine(line: string, limit: number): string {
  return line.length <= limit ? line : `${line.slice(0, limit)}… (${formatCount(line.length - limit)} more)`;
}

/** The lines of a text; a last line feed ends a line, it starts none. */
export function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}
