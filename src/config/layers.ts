/** A table of TOML as parsed; its values are to be checked by who reads them. */
export type Table = Readonly<Record<string, unknown>>;

/** The parts of a dotted key. */
export type KeyPath = readonly string[];

/** One place settings come from. */
export interface Layer {
  readonly table: Table;
  /** What to call a key of this layer in a message: the file and the key, or the flag. */
  readonly name: (path: KeyPath) => string;
  /** Where relative paths of this layer start; absolute. */
  readonly folder: string;
}

/** All layers, highest first, and the mistakes found so far (a set: a table asked twice is wrong once). */
export interface Settings {
  readonly layers: readonly Layer[];
  readonly problems: Set<string>;
}

export interface Found {
  readonly value: unknown;
  readonly layer: Layer;
}

/** The key's value in the highest layer that has it. Something else where a table should be is a problem. */
export function find(settings: Settings, path: KeyPath): Found | undefined {
  for (const layer of settings.layers) {
    const table = tableAt(settings, layer, path.slice(0, -1));
    const key = path.at(-1)!;
    if (table !== undefined && Object.hasOwn(table, key)) return { value: table[key], layer };
  }
  return undefined;
}

/** The keys of a table over all layers, lowest layer first. */
export function keysOf(settings: Settings, path: KeyPath): string[] {
  const keys = new Set<string>();
  for (const layer of settings.layers.toReversed()) {
    for (const key of Object.keys(tableAt(settings, layer, path) ?? {})) keys.add(key);
  }
  return [...keys];
}

/** Whether the value is a table (arrays and dates are none). */
export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** A key as TOML writes it: parts that are no bare keys in quotes. */
export function dotted(path: KeyPath): string {
  return path.map((part) => (/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part))).join(".");
}

/** A value in a message: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a date";
  return typeof value === "object" ? "a table" : String(value);
}

function tableAt(settings: Settings, layer: Layer, path: KeyPath): Table | undefined {
  let table: Table = layer.table;
  for (const [index, key] of path.entries()) {
    if (!Object.hasOwn(table, key)) return undefined;
    const value = table[key];
    if (!isTable(value)) {
      settings.problems.add(`${layer.name(path.slice(0, index + 1))}: expected a table; got ${show(value)}`);
      return undefined;
    }
    table = value;
  }
  return table;
}
