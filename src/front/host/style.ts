export type ColorChoice = "auto" | "always" | "never";

/** Marks text for a terminal, or leaves it as it is. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  magenta(text: string): string;
}

export function makeStyle(colored: boolean): Style {
  const sgr = (on: number, off: number) => (text: string) =>
    colored && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    bold: sgr(1, 22),
    dim: sgr(2, 22),
    red: sgr(31, 39),
    green: sgr(32, 39),
    yellow: sgr(33, 39),
    cyan: sgr(36, 39),
    magenta: sgr(35, 39),
  };
}

/** `auto`: NO_COLOR switches colours off, FORCE_COLOR (other than 0) on, a dumb terminal has none; else whether it is a terminal. */
export function wantsColor(
  choice: ColorChoice,
  terminal: { readonly env: Readonly<Record<string, string | undefined>>; readonly isTTY: boolean },
): boolean {
  const { env, isTTY } = terminal;
  if (choice !== "auto") return choice === "always";
  if ((env.NO_COLOR ?? "") !== "") return false;
  if ((env.FORCE_COLOR ?? "0") !== "0") return true;
  return isTTY && env.TERM !== "dumb";
}

/** All of C0 but tab and line feed, DEL, C1, and the marks that reorder or hide text (bidi). */
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text of a model or a command made harmless for a terminal: controls show as `\x1b` or `\u202e`, CRLF as LF. */
export function sanitise(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}
