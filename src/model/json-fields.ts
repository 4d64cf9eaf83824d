/** Reading JSON of unknown shape: a field of another type than wanted counts as missing. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The object a text holds, or undefined when it is no JSON object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    // Not JSON is an expected outcome here: the caller says what that means.
    return undefined;
  }
}

export function objectIn(value: JsonObject | undefined, key: string): JsonObject | undefined {
  return asObject(value?.[key]);
}

export function stringIn(value: JsonObject | undefined, key: string): string | undefined {
  const field = value?.[key];
  return typeof field === "string" ? field : undefined;
}

export function numberIn(value: JsonObject | undefined, key: string): number | undefined {
  const field = value?.[key];
  return typeof field === "number" && Number.isFinite(field) ? field : undefined;
}

/** The objects of a list; none when it is no list. */
export function objectsIn(value: JsonObject | undefined, key: string): JsonObject[] {
  const field = value?.[key];
  return Array.isArray(field) ? field.map(asObject).filter((entry) => entry !== undefined) : [];
}

/** `{}` and its like stand in a field for no error at all. */
export function isTold(error: unknown): boolean {
  if (error === undefined || error === null || error === false || error === "") return false;
  return typeof error !== "object" || Object.keys(error).length > 0;
}
