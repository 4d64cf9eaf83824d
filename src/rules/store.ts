import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { makeFolder, writeWhole } from "../base/index.js";
import type { Proposal } from "./proposal.js";
import { readRules } from "./rules-file.js";

/** `message`: why the rule was not saved, for people. */
export type Saved = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Waits for `ms`. */
export type Wait = (ms: number) => Promise<void>;

/** How often, and how long apart, other writers are waited for. */
const ATTEMPTS = 400;
const WAIT_MS = 25;
/** One that has not moved for so many attempts was killed: nobody needs two seconds for a few lines. */
const DEAD_AFTER = 80;
const MAX_BYTES = 1024 * 1024;

/**
 * Adds an `allow` rule at the end of a rules file, which need not exist, and keeps all that is in it. Readers see the old
 * file or the new one, whole and on disk; of writers at the same time each adds its own. The file is made for its owner alone.
 */
export async function saveRule(path: string, rule: Proposal, wait: Wait): Promise<Saved> {
  try {
    makeFolder(dirname(path));
    const target = realPath(path);
    return await withDraft(`${target}.new`, wait, (draft) => replace(target, draft, rule));
  } catch (error) {
    // The system refused (permission, no space, a folder in the file's place): told, and nothing is changed.
    return { ok: false, message: `${path}: ${String((error as Error).message)}` };
  }
}

interface Draft {
  readonly path: string;
  readonly fd: number;
}

async function replace(target: string, draft: Draft, rule: Proposal): Promise<Saved> {
  const before = readText(target);
  if (before.length > MAX_BYTES) return { ok: false, message: `${target} is too large` };
  const text = `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${before === "" ? "" : "\n"}${tomlOf(rule)}`;
  const { rules, problems } = await readRules([{ path: target, text, origin: "home" }]);
  const problem = problems.find(({ suspends }) => suspends);
  if (problem !== undefined) return { ok: false, message: `mend ${target} first: ${problem.message}` };
  if (JSON.stringify(rules.at(-1)?.prefix) !== JSON.stringify(rule.prefix))
    return { ok: false, message: `${target}: the rule can't be written in a way that is read again` };
  writeWhole(draft.fd, Buffer.from(text));
  fsyncSync(draft.fd);
  // Who was asleep so long that its draft was taken for a dead one's must not put another's in the place.
  if (fstatSync(draft.fd).ino !== statSync(draft.path, { throwIfNoEntry: false })?.ino)
    return { ok: false, message: `${target}: another writer came between` };
  renameSync(draft.path, target);
  return { ok: true };
}

/** The file that is going to be renamed is the lock as well: only one can make it. */
async function withDraft(path: string, wait: Wait, work: (draft: Draft) => Promise<Saved>): Promise<Saved> {
  let seen = "";
  let still = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const fd = openNew(path);
    if (fd !== undefined) return finish({ path, fd }, work);
    const now = stampOf(path);
    still = now === seen ? still + 1 : 0;
    seen = now;
    if (still === DEAD_AFTER) rmSync(path, { force: true });
    else await wait(WAIT_MS);
  }
  return { ok: false, message: `${path} is there again and again: other writers do not end` };
}

async function finish(draft: Draft, work: (draft: Draft) => Promise<Saved>): Promise<Saved> {
  let saved: Saved | undefined;
  try {
    saved = await work(draft);
    return saved;
  } finally {
    closeSync(draft.fd);
    if (saved?.ok !== true) rmSync(draft.path, { force: true });
  }
}

function openNew(path: string): number | undefined {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    // Another writer's; any other reason is the caller's to tell.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return undefined;
  }
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
}

/** Where a link to the file leads: the link stays. */
function realPath(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

function readText(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? "" : readFileSync(path, "utf8");
}

function tomlOf({ prefix, exact, cwd }: Proposal): string {
  const lines = [
    "# From an approval: always.",
    "[[rule]]",
    `prefix = [${prefix.map(tomlText).join(", ")}]`,
    ...(exact ? ["exact = true"] : []),
    'decision = "allow"',
    `cwd = ${tomlText(cwd)}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A basic string: JSON's escapes are TOML's, but for DEL. */
function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}
