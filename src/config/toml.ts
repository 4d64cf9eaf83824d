import type { Table } from "./layers.js";

/** `message` of a mistake has no position; both numbers count from 1. */
export type Parsed =
  | { readonly ok: true; readonly table: Table }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

/** Parses TOML 1.0. The parser is loaded at the first call: a start without config.toml does not pay for it. */
export async function parseToml(text: string): Promise<Parsed> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return { ok: true, table: parse(text, { integersAsBigInt: "asNeeded", maxDepth: 64 }) };
  } catch (error) {
    // A mistake in the text is an outcome; anything else is a bug and goes on.
    if (!(error instanceof TomlError)) throw error;
    const first = error.message.split("\n", 1)[0]!.replace(/^Invalid TOML document: /, "");
    return { ok: false, line: error.line, column: error.column, message: first };
  }
}
