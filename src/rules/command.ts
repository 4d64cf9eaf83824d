import { basename, resolve } from "node:path";
import { realPath } from "../base/index.js";
import { type MentionedCommand, type OpaqueScript, type PlainScript, parseScript } from "./script.js";
import { isShell, shellScript } from "./shell.js";
import { isWrapper } from "./wrappers.js";

/** A command as it is going to be run. */
export interface WantedCommand {
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** The path of the user's own shell, which is taken for one wherever it lies. */
  readonly shell?: string | undefined;
  /** CDPATH is set: `cd src` may lead anywhere. */
  readonly cdPath?: boolean;
}

/** A command that was seen in what is not understood. `anywhere`: it may begin at any of the words. */
export interface Mention {
  readonly words: MentionedCommand;
  readonly anywhere: boolean;
}

/** One program with its arguments, as it will be called. */
export interface Part {
  readonly words: readonly string[];
  /** Where it will run, with links resolved; undefined: that can't be told. */
  readonly cwd: string | undefined;
  /** Itself, and what else it may run: for rules that forbid or ask. */
  readonly mentioned: readonly Mention[];
}

/** What a command comes to. `key`: the same for spellings of the same command in the same folder. */
export type Reading =
  | { readonly ok: true; readonly parts: readonly Part[]; readonly key: string }
  | {
      readonly ok: false;
      /** Why it is not understood, for people. */
      readonly why: string;
      /** Commands that were seen in it all the same, for rules that forbid or ask. */
      readonly mentioned: readonly Mention[];
      readonly key: string;
    };

/** How deep shells in shells are looked into. */
const MAX_SHELLS = 4;

/** `cd DIR &&` in front of a script; the folder is a plain or quoted word without anything the shell would expand. */
const CHANGE_FOLDER = /^\s*cd[ \t]+(?:'([^']*)'|"([^"$`\\]*)"|([A-Za-z0-9_./@%+,:][A-Za-z0-9_./@%+,:=-]*))[ \t]*&&\s*/;

/** A script without the `cd DIR &&` it begins with, and that folder as it is written. */
export function leadingFolder(script: string): { readonly folder: string; readonly rest: string } | undefined {
  const found = CHANGE_FOLDER.exec(script);
  const folder = found?.[1] ?? found?.[2] ?? found?.[3];
  if (found === null || folder === undefined) return undefined;
  return { folder, rest: script.slice(found[0].length) };
}

/** Reads a command: unwraps shells, follows a leading `cd`, splits it into plain commands. Looks at folders on disk, runs nothing. */
export async function readCommand(wanted: WantedCommand): Promise<Reading> {
  const { argv } = wanted;
  const script = shellScript(argv, wanted.shell);
  const start = realPath(wanted.cwd);
  const reader = new CommandReader(wanted, start ?? wanted.cwd);
  if (script === undefined) {
    const mentioned = await mentionsOf(argv, 0);
    const key = keyOf(start ?? wanted.cwd, [argv]);
    if (isShell(argv[0] ?? "")) return { ok: false, why: "it calls a shell in an unusual way", mentioned, key };
    return { ok: true, parts: [{ words: argv, cwd: start, mentioned }], key };
  }
  const parsed = await parseScript(script);
  if (!parsed.ok) {
    const mentioned = await mentionsIn(parsed, script.script, 0);
    return { ok: false, why: parsed.why, mentioned, key: reader.opaqueKey(script.script) };
  }
  const [only = [], ...more] = parsed.commands;
  if (more.length === 0 && shellScript(only, wanted.shell) !== undefined) return readCommand({ ...wanted, argv: only });
  await reader.collect(parsed, start, 1);
  const { parts, problem } = reader;
  if (problem === undefined) return { ok: true, parts, key: reader.plainKey(parsed) };
  const mentioned = parts.flatMap((part) => part.mentioned);
  return { ok: false, why: problem, mentioned, key: reader.opaqueKey(script.script) };
}

/** What may move the shell, or give other words another meaning. */
const MOVERS = new Set(["cd", "pushd", "popd", "source", ".", "eval", "builtin", "command", "trap", "alias"]);

class CommandReader {
  readonly parts: Part[] = [];
  problem: string | undefined;
  readonly #wanted: WantedCommand;
  readonly #start: string;

  constructor(wanted: WantedCommand, start: string) {
    this.#wanted = wanted;
    this.#start = start;
  }

  /** Collects the parts of a script, and those of the shells in it; what is not understood there becomes the problem. */
  async collect(script: PlainScript, start: string | undefined, depth: number): Promise<void> {
    let cwd = start;
    let leading = true;
    for (const [at, words] of script.commands.entries()) {
      const inner = shellScript(words, this.#wanted.shell);
      const parsed = inner === undefined || depth === MAX_SHELLS ? undefined : await parseScript(inner);
      if (parsed?.ok === true) await this.collect(parsed, cwd, depth + 1);
      else {
        this.parts.push({ words, cwd, mentioned: await mentionsOf(words, 0) });
        if (isShell(words[0] ?? "")) this.problem ??= parsed?.why ?? "it calls a shell in an unusual way";
      }
      const target = leading && script.joins[at] === "&&" ? folderOf(words) : undefined;
      if (target !== undefined) cwd = this.#moved(cwd, target);
      else leading = false;
      if (target === undefined && MOVERS.has(words[0] ?? "")) cwd = undefined;
    }
  }

  /** Without the folders it goes through at its beginning: in the one it comes to. */
  plainKey({ commands, joins }: PlainScript): string {
    let folder = this.#start;
    let at = 0;
    for (; at < commands.length - 1 && joins[at] === "&&"; at += 1) {
      const target = folderOf(commands[at] ?? []);
      const moved = target === undefined ? undefined : this.#moved(folder, target);
      if (moved === undefined) break;
      folder = moved;
    }
    const rest = commands.slice(at).flatMap((words, index) => (index === 0 ? [words] : [joins[at + index - 1], words]));
    return keyOf(folder, rest);
  }

  opaqueKey(script: string): string {
    const leading = leadingFolder(script);
    const moved = leading === undefined ? undefined : this.#moved(this.#start, leading.folder);
    const shell = basename(this.#wanted.argv[0] ?? "");
    if (leading === undefined || moved === undefined) return keyOf(this.#start, [shell, script.trim()]);
    return keyOf(moved, [shell, leading.rest.trim()]);
  }

  #moved(from: string | undefined, target: string): string | undefined {
    const named = /^(?:\/|\.\.?(?:\/|$))/.test(target);
    if (from === undefined || (this.#wanted.cdPath === true && !named)) return undefined;
    return realPath(resolve(from, target));
  }
}

/** What is seen in a script that is not understood. */
async function mentionsIn(parsed: OpaqueScript, script: string, depth: number): Promise<Mention[]> {
  if (parsed.mentioned === undefined) return looseMentions(script);
  const mentions: Mention[] = [];
  for (const words of parsed.mentioned) mentions.push(...(await mentionsOf(words, depth)));
  return mentions;
}

/** A command, and those in the scripts that it hands on: what a wrapper is given in one word with blanks may be one. */
async function mentionsOf(words: MentionedCommand, depth: number): Promise<Mention[]> {
  const wrapper = isWrapper(words[0] ?? "");
  const mentions: Mention[] = [{ words, anywhere: wrapper }];
  if (!wrapper) return mentions;
  for (const script of words.slice(1)) {
    if (script === undefined || !/\s/.test(script)) continue;
    const parsed = depth < MAX_SHELLS ? await parseScript({ script, zsh: false }) : undefined;
    if (parsed === undefined) mentions.push(...looseMentions(script));
    else if (!parsed.ok) mentions.push(...(await mentionsIn(parsed, script, depth + 1)));
    else for (const inner of parsed.commands) mentions.push(...(await mentionsOf(inner, depth + 1)));
  }
  return mentions;
}

/** The folder that a plain `cd DIR` names. */
function folderOf([name, folder, ...more]: readonly string[]): string | undefined {
  return name === "cd" && folder !== undefined && more.length === 0 && !/^(?:-|$)/.test(folder) ? folder : undefined;
}

/** What a text may hold when nothing is known of its grammar: words, of which each may begin a command. */
function looseMentions(text: string): Mention[] {
  const lines = text
    .normalize("NFKC")
    .replace(/\\\n/g, "")
    .replace(/[\p{Cf}'"\\]/gu, "")
    .split(/[;&|\r\n(){}`<>$]+/);
  return lines.map((line) => ({
    words: line.split(/[\s\p{Cc}\p{Z}]+/u).filter((word) => word !== ""),
    anywhere: true,
  }));
}

function keyOf(folder: string, what: unknown): string {
  return JSON.stringify([folder, what]);
}
