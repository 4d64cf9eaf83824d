import type * as v from "valibot";
import {
  type Decoded,
  decoder,
  type Fields,
  isRecord,
  nearJson,
  nearNames,
  nearValue,
  plainName,
} from "../../protocol/index.js";
import { readArgumentsText } from "./arguments-text.js";
import { fencedScript } from "./fences.js";
import { toolNameOf } from "./tool-names.js";

/** What a tool takes beside what its spec asks for. Names are as `plainName` has them. */
export interface NearMisses {
  /** Names of other tools' fields that mean one of this one's and nothing else. */
  readonly aliases?: Readonly<Record<string, string>>;
  /**
   * Fields that this tool lacks and that would change what a call does: where one is given with a value that says something
   * (not null, empty or false), the call is refused. The text tells the model what to do instead.
   */
  readonly meaningful?: Readonly<Record<string, string>>;
  /** The field that a fence of a shell's language in the place of the arguments is. */
  readonly script?: string;
  /** Makes fields of a value that is no object. */
  readonly fieldsOf?: (value: unknown) => Fields | undefined;
  /** Takes what only this tool knows of, after the names and before the types. */
  readonly adapt?: (fields: Fields) => Decoded<Fields>;
}

/** Reads a call's arguments; what is wrong is said in a sentence the model can act on. */
export type ArgumentsReader<T> = (text: string) => Decoded<T>;

/**
 * Makes the reader of a tool's arguments. They are taken as they are meant where they can mean one thing alone, and refused
 * where they can mean two or are torn: a command that was not meant is worse than a call that has to be made again.
 */
export function argumentsReader<S extends v.ObjectSchema<v.ObjectEntries, undefined>>(
  { tool, schema }: { readonly tool: string; readonly schema: S },
  near: NearMisses = {},
): ArgumentsReader<v.InferOutput<S>> {
  const decode = decoder(schema);
  const names = Object.keys(schema.entries);
  const own = new Set([...names.map(plainName), ...Object.keys(near.aliases ?? {})]);
  return (text) => {
    const fields = fieldsIn(text, { tool, own, near });
    if (!fields.ok) return fields;
    const named = nearNames(fields.value, { names, aliases: near.aliases ?? {} });
    if (!named.ok) return wrong(named.message);
    const foreign = Object.entries(named.value).flatMap(([name, value]) => foreignFault(name, value, near.meaningful));
    if (foreign[0] !== undefined) return wrong(foreign[0]);
    const adapted = near.adapt?.(named.value) ?? named;
    if (!adapted.ok) return wrong(adapted.message);
    const decoded = decode(nearValue(schema, adapted.value));
    return decoded.ok ? decoded : wrong(decoded.message);
  };
}

/** What is wrong with arguments, for the model; undefined when they could be read. */
export function problemOf(read: Decoded<unknown>): string | undefined {
  return read.ok ? undefined : read.message;
}

function wrong(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message: `wrong arguments: ${message}` };
}

interface Wanted {
  readonly tool: string;
  /** Names that fields of the tool may have, as `plainName` has them. */
  readonly own: ReadonlySet<string>;
  readonly near: NearMisses;
}

function fieldsIn(text: string, { tool, own, near }: Wanted): Decoded<Fields> {
  const script = near.script === undefined ? undefined : fencedScript(text, { bare: false });
  if (near.script !== undefined && script !== undefined) return { ok: true, value: { [near.script]: script } };
  const read = readArgumentsText(text);
  if (!read.ok) return read;
  const fields = isRecord(read.value) ? withoutCall(read.value, tool, own) : near.fieldsOf?.(read.value);
  return fields === undefined ? wrong("expected an object with named fields") : { ok: true, value: fields };
}

const CALL_NAMES = new Set(["name", "tool", "toolname", "function", "type", "id"]);
const CALL_ARGUMENTS = new Set(["arguments", "parameters", "args", "input", "params"]);

/** The arguments inside of a whole call of this tool that was written in their place; else the fields themselves. */
function withoutCall(fields: Fields, tool: string, own: ReadonlySet<string>): Fields {
  const inner: Fields[] = [];
  for (const [key, value] of Object.entries(fields)) {
    const name = plainName(key);
    if (own.has(name)) return fields;
    if (CALL_ARGUMENTS.has(name)) {
      const json = typeof value === "string" ? nearJson(value) : value;
      if (!isRecord(json)) return fields;
      inner.push(json);
    } else if (!CALL_NAMES.has(name) || typeof value !== "string") return fields;
    else if (!["type", "id"].includes(name) && toolNameOf(value, new Set([tool])) !== tool) return fields;
  }
  return inner.length === 1 && inner[0] !== undefined ? inner[0] : fields;
}

function foreignFault(name: string, value: unknown, meaningful: NearMisses["meaningful"] = {}): string[] {
  const plain = plainName(name);
  if (!Object.hasOwn(meaningful, plain) || saysNothing(value)) return [];
  return [`${name.slice(0, 80)}: there is no such field, and nothing was done without it. ${meaningful[plain]}`];
}

function saysNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  if (typeof value === "string") return ["", "false", "null", "none", "[]", "{}"].includes(value.trim().toLowerCase());
  return typeof value === "object" && Object.keys(value).length === 0;
}
