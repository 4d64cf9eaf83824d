import { shellJoin } from "../../base/index.js";
import { type Decoded, isRecord, nearJson } from "../../protocol/index.js";
import { isShell } from "../../rules/index.js";
import { fencedScript } from "./fences.js";

/** A command as a model gave it: a script for a shell, or a program with its arguments. */
export type Command = { readonly script: string } | { readonly argv: readonly string[] };

/** Words that mean something to a shell alone, and nothing to a program. */
const OPERATOR = /^(?:&&|\|\|?|;|&|\d?>{1,2}(?:&\d)?.*|\d?<.*)$/;

/**
 * What a text is where a command is due: the argv it is the JSON of, the script in its fence, or a script as it stands. A text
 * that begins as JSON or a fence and is not whole is none: a shell would make something else of it.
 */
export function commandOfText(text: string): Decoded<Command> {
  const argv = jsonArgv(text);
  if (argv !== undefined) return { ok: true, value: argv.length === 1 ? { script: argv[0] ?? "" } : { argv } };
  const script = fencedScript(text, { bare: true });
  if (script !== undefined) return { ok: true, value: { script } };
  if (/^\s*```/.test(text) || isFenceInProse(text))
    return { ok: false, message: "it has a code fence in it: give the script alone" };
  if (/^\s*\[(?:"|'.*',)/.test(text)) {
    return { ok: false, message: "it begins as a list in JSON and is none: give the script as a string" };
  }
  if (isRecord(nearJson(text))) return { ok: false, message: "it is an object in JSON: give the script alone" };
  return { ok: true, value: { script: text } };
}

/** Words, then a fence on lines of its own that nothing quotes: to a shell the words are commands, and the fence runs what it holds. */
function isFenceInProse(text: string): boolean {
  const [before = "", ...fences] = text.split(/^[ \t]*```[\w+-]*[ \t]*$/m);
  return fences.length > 1 && !/["'`\\]|<</.test(before);
}

/** `[ "x" ]` is a test of the shell's as well, and left to it. */
function jsonArgv(text: string): readonly string[] | undefined {
  const list = nearJson(text);
  if (!isWords(list) || list.length === 0) return undefined;
  return list.length > 1 || /^\s*\[["']/.test(text) ? list : undefined;
}

/**
 * What a list is where a script is due: one script, the script of `bash -lc`, or an argv. One that could as well be several
 * scripts, or one script in pieces, is refused.
 */
export function scriptOfList(list: readonly string[]): Decoded<ShellScript> {
  const [first = "", option = "", script = ""] = list;
  if (list.length <= 1) return { ok: true, value: { script: first, shell: undefined, login: undefined } };
  if (list.length === 3 && isShell(first) && (option === "-c" || option === "-lc")) {
    return { ok: true, value: { script, shell: first, login: option === "-lc" } };
  }
  if (/\s/.test(first) || first === "" || list.slice(1).some((word) => OPERATOR.test(word))) {
    return { ok: false, message: "a list can mean several scripts or one: give one script as a string" };
  }
  return { ok: true, value: { script: shellJoin(list), shell: undefined, login: undefined } };
}

/** A script, with the shell and the kind of it that were named; undefined where none was. */
export interface ShellScript {
  readonly script: string;
  readonly shell: string | undefined;
  readonly login: boolean | undefined;
}

/** Whether a value is a list of strings alone. */
export function isWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string");
}
