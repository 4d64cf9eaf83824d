import { sanitise } from "../host/index.js";

/** Characters that show as nothing: formats, separators of lines and paragraphs, and fillers. */
const HIDDEN = /[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text to be judged by a person: harmless on a terminal, and nothing in it is hidden. Carriage returns show too, as a change of
 * line endings is a change.
 */
export function reveal(text: string): string {
  return sanitise(text.replaceAll("\r", "\\x0d")).replace(
    HIDDEN,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** The lines of a text; a missing end of the last one is no line of its own. */
export function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
