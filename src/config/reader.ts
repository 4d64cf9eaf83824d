import { dotted, find, type KeyPath, keysOf, type Settings, show } from "./layers.js";

/** Typed readers: the value, or undefined when the key is not set or (then a problem is noted) is something else. */

export function readText(settings: Settings, path: KeyPath): string | undefined {
  return read(settings, path, {
    expected: "a string",
    take: (value) => (typeof value === "string" ? value : undefined),
  });
}

/** A string with something in it and no control characters: a model, an id, the name of a variable. */
export function readName(settings: Settings, path: KeyPath): string | undefined {
  return read(settings, path, {
    expected: "a string that is not empty, on one line",
    take: (value) =>
      typeof value === "string" && /^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$/.test(value) ? value : undefined,
  });
}

export function readBoolean(settings: Settings, path: KeyPath): boolean | undefined {
  return read(settings, path, {
    expected: "true or false",
    take: (value) => (typeof value === "boolean" ? value : undefined),
  });
}

export function readChoice<T extends string>(settings: Settings, path: KeyPath, choices: readonly T[]): T | undefined {
  return read(settings, path, {
    expected: `one of ${choices.join(", ")}`,
    take: (value) => choices.find((choice) => choice === value),
  });
}

/** A whole number from `min` to `max`; with no `max`, one too large to be exact counts as the largest exact one. */
export function readInteger(
  settings: Settings,
  path: KeyPath,
  range: { readonly min: number; readonly max?: number },
): number | undefined {
  const { min, max } = range;
  return read(settings, path, {
    expected: max === undefined ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`,
    take: (value) => {
      if (typeof value !== "bigint" && !Number.isSafeInteger(value)) return undefined;
      const number = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
      return number >= min && (max === undefined || number <= max) ? number : undefined;
    },
  });
}

/** An array of strings, each of which passes `test`; `expected` completes "expected an array of ". */
export function readTexts(
  settings: Settings,
  path: KeyPath,
  check: { readonly expected: string; readonly test: (text: string) => boolean },
): readonly string[] | undefined {
  return read(settings, path, {
    expected: `an array of ${check.expected}`,
    take: (value) =>
      Array.isArray(value) && value.every((part) => typeof part === "string" && check.test(part))
        ? (value as string[])
        : undefined,
  });
}

/** A table of strings; the keys of all layers together. */
export function readTextMap(settings: Settings, path: KeyPath): Record<string, string> {
  const map: Record<string, string> = Object.create(null);
  for (const key of keysOf(settings, path)) {
    const value = readText(settings, [...path, key]);
    if (value !== undefined) map[key] = value;
  }
  return map;
}

/** Notes what is wrong with a key, in the words of the layer that sets it, or of the one that sets the table it belongs to. */
export function addProblem(settings: Settings, path: KeyPath, what: string): void {
  const layers = path.map((_, index) => find(settings, path.slice(0, path.length - index))?.layer);
  const layer = layers.find((candidate) => candidate !== undefined);
  settings.problems.add(`${layer === undefined ? dotted(path) : layer.name(path)}: ${what}`);
}

interface Kind<T> {
  readonly expected: string;
  readonly take: (value: unknown) => T | undefined;
}

function read<T>(settings: Settings, path: KeyPath, kind: Kind<T>): T | undefined {
  const found = find(settings, path);
  if (found === undefined) return undefined;
  const taken = kind.take(found.value);
  if (taken === undefined) addProblem(settings, path, `expected ${kind.expected}; got ${showFound(found.value)}`);
  return taken;
}

/** An array's own text says more than "an array". */
function showFound(value: unknown): string {
  if (!Array.isArray(value)) return show(value);
  return `[${value.slice(0, 3).map(show).join(", ")}${value.length > 3 ? ", …" : ""}]`;
}
