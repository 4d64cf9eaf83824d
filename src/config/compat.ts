import type { Compat, Provider } from "../protocol/index.js";
import { knownCompat } from "./known-hosts.js";
import { find, isTable, type KeyPath, keysOf, type Settings, show } from "./layers.js";
import { addProblem, readChoice, readTexts } from "./reader.js";

/**
 * Fields of a request that are Belay's: another model, a second history or an answer that is no stream would be read as what
 * was asked for.
 */
const OWNED: readonly string[] = [
  ...["model", "messages", "input", "instructions", "stream", "tools", "n"],
  ...["previous_response_id", "conversation", "background"],
];
/** Tables within tables. */
const MAX_DEPTH = 16;

/** What `[model_providers.ID.compat]` says of a server, over what is known of its host. */
export function readCompat(settings: Settings, { id, url }: { readonly id: string; readonly url: URL }): Compat {
  const at = (key: string) => ["model_providers", id, "compat", key];
  const own = {
    roles: readChoice(settings, at("roles"), ["strict", "free"]),
    system: readChoice(settings, at("system"), ["system", "developer", "user"]),
    callIds: readChoice(settings, at("call_ids"), ["any", "short"]),
    thoughts: readChoice(settings, at("thoughts"), ["sent", "dropped", "required"]),
    without: readTexts(settings, at("without"), {
      expected: `names of fields that can be left out (not ${OWNED.join(", ")})`,
      test: (name) => name !== "" && !OWNED.includes(name),
    }),
  } satisfies Compat;
  return { ...knownCompat(url), ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) };
}

/** `extra_body`: the tables of all layers laid over each other. */
export function readExtraBody(settings: Settings, id: string): Provider["extraBody"] {
  const path = ["model_providers", id, "extra_body"];
  const fields = keysOf(settings, path).flatMap((key): [string, unknown][] => {
    if (OWNED.includes(key)) {
      addProblem(settings, [...path, key], "is Belay's own field of a request, and can't be set");
      return [];
    }
    const value = readJson(settings, [...path, key]);
    return value === undefined ? [] : [[key, value]];
  });
  // A field named __proto__ stays a field.
  return Object.fromEntries(fields);
}

function readJson(settings: Settings, path: KeyPath): unknown {
  const found = find(settings, path)?.value;
  if (path.length > MAX_DEPTH + 3) return wrong(settings, path, `is more than ${MAX_DEPTH} tables deep`);
  if (!isTable(found)) return jsonOf(settings, path, found);
  const parts = keysOf(settings, path).map((key) => [key, readJson(settings, [...path, key])] as const);
  return Object.fromEntries(parts.filter(([, value]) => value !== undefined));
}

/** A value within an array, or that is no table: as JSON has it. */
function jsonOf(settings: Settings, path: KeyPath, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((part) => jsonOf(settings, path, part));
  if (isTable(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, jsonOf(settings, path, part)]));
  }
  if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return value;
  return wrong(settings, path, `expected what JSON can say; got ${show(value)}`);
}

function wrong(settings: Settings, path: KeyPath, what: string): undefined {
  addProblem(settings, path, what);
  return undefined;
}
