import { isTable, type Table } from "./layers.js";
import { parseToml } from "./toml.js";

export type Overrides = { readonly ok: true; readonly table: Table } | { readonly ok: false; readonly message: string };

/**
 * The table that `-c key=value` arguments make together, a later one over an earlier one. The key may be dotted, with quoted
 * parts; the value is TOML, or else is taken as a string as it stands.
 */
export async function parseOverrides(raw: readonly string[]): Promise<Overrides> {
  const table: Record<string, unknown> = Object.create(null);
  for (const text of raw) {
    const equals = endOfKey(text);
    if (equals === -1) return { ok: false, message: `Invalid override (missing '='): ${text}` };
    const path = splitKey(text.slice(0, equals));
    if (path === undefined) return { ok: false, message: `Invalid override (bad key): ${text.slice(0, equals)}` };
    assign(table, path, await parseValue(text.slice(equals + 1).trim()));
  }
  return { ok: true, table };
}

/**
 * A key with a value of JSON, as `-c` would have it: how programs give settings. Null sets nothing, and so gives undefined;
 * inside a list or a table it is refused by whoever reads the key.
 */
export function overrideOf(key: string, value: unknown): string | undefined {
  return value === null ? undefined : `${key}=${tomlOf(value)}`;
}

/** A value of JSON as TOML on one line. */
function tomlOf(value: unknown): string {
  // TOML takes the escapes of JSON, but wants DEL escaped as well, and no halves of surrogate pairs.
  if (typeof value === "string") return JSON.stringify(wellFormed(value)).replaceAll("\x7f", "\\u007f");
  if (Array.isArray(value)) return `[${value.map(tomlOf).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${tomlOf(key)} = ${tomlOf(inner)}`)
    .join(", ")} }`;
}

function wellFormed(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

/** Where the first `=` outside quotes stands; -1 when there is none. */
function endOfKey(text: string): number {
  const key = /^(?:"[^"]*"|'[^']*'|[^"'=])*=/.exec(text);
  return key === null ? text.indexOf("=") : key[0].length - 1;
}

function splitKey(text: string): string[] | undefined {
  const parts: string[] = [];
  const part = /\s*(?:"([^"]*)"|'([^']*)'|([^\s."']+))\s*(\.|$)/y;
  for (;;) {
    const match = part.exec(text);
    if (match === null) return undefined;
    parts.push((match[1] ?? match[2] ?? match[3])!);
    if (match[4] === "") return parts;
  }
}

function assign(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let table = root;
  for (const key of path.slice(0, -1)) {
    // Tables are copied on the way down; without a prototype, so that no key means anything but itself.
    const below = Object.hasOwn(table, key) ? table[key] : undefined;
    const copy: Record<string, unknown> = Object.assign(Object.create(null), isTable(below) ? below : {});
    table[key] = copy;
    table = copy;
  }
  table[path.at(-1)!] = value;
}

/** The common scalars are read by hand; the TOML parser is loaded only for what may need it. */
async function parseValue(text: string): Promise<unknown> {
  if (text === "true" || text === "false") return text === "true";
  if (/^[+-]?(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  const quoted = /^"([^"\\\x00-\x1f\x7f]*)"$/.exec(text) ?? /^'([^'\x00-\x1f\x7f]*)'$/.exec(text);
  if (quoted !== null) return quoted[1]!;
  // No TOML value but inf, nan, true and false starts with anything else than these.
  if (!/^[-+\d"'[{]/.test(text) && !/^(?:inf|nan)$/.test(text)) return text;
  const parsed = await parseToml(`value = ${text}`);
  if (!parsed.ok || Object.keys(parsed.table).length !== 1) return text;
  return parsed.table.value;
}
