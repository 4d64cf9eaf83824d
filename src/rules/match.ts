import { basename } from "node:path";
import { realPath } from "../base/index.js";
import type { Mention, Part } from "./command.js";
import type { Rule } from "./rule.js";

/** Whether a rule covers a command: word by word, in the folder it is for. What `allow` needs. */
export function covers(rule: Rule, { words, cwd }: Part): boolean {
  if (rule.exact && words.length !== rule.prefix.length) return false;
  return rule.prefix.every((word, at) => word === words[at]) && isInFolder(rule, cwd) === true;
}

/**
 * Whether a command may be what a rule speaks of, which is enough to forbid it or to ask: its program by whatever path, the
 * words of the prefix in order with options (and their values) between them, behind `sudo` and its like, in a folder that
 * is not known.
 */
export function recognises(rule: Rule, mention: Mention, cwd: string | undefined): boolean {
  if (isInFolder(rule, cwd) === false) return false;
  const { words } = mention;
  if (!mention.anywhere) return fits(rule, words, 0);
  return words.some((_, at) => fits(rule, words, at));
}

/** Undefined: the command's folder is not known. A folder that is not there is nobody's. */
function isInFolder({ cwd: wanted }: Rule, cwd: string | undefined): boolean | undefined {
  if (wanted === undefined) return true;
  if (cwd === undefined) return undefined;
  const folder = realPath(wanted.folder);
  if (folder === undefined) return false;
  return cwd === folder || (wanted.below && cwd.startsWith(folder.endsWith("/") ? folder : `${folder}/`));
}

function fits({ prefix: [program = "", ...rest] }: Rule, words: Mention["words"], start: number): boolean {
  if (!isSameProgram(program, words[start])) return false;
  let at = start + 1;
  for (const wanted of rest) {
    const found = nextWord(words, at, wanted);
    if (found === undefined) return false;
    at = found + 1;
  }
  return true;
}

/** Where `wanted` stands, with nothing before it but options, each with one value at most, and words nobody knows. */
function nextWord(words: Mention["words"], from: number, wanted: string): number | undefined {
  let mayBeValue = false;
  for (let at = from; at < words.length; at += 1) {
    const word = words[at];
    if (word === wanted) return at;
    const option = word === undefined || word.startsWith("-");
    if (!option && !mayBeValue) return undefined;
    mayBeValue = option;
  }
  return undefined;
}

function isSameProgram(wanted: string, word: string | undefined): boolean {
  // File systems without case find `GIT` too.
  return word !== undefined && basename(word).toLowerCase() === basename(wanted).toLowerCase();
}
