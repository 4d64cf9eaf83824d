import { readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { findProgram } from "./find-program.js";
import type { LevelFacts } from "./report.js";
import type { Place } from "./types.js";

const FILE = "sandbox-level.json";
const PROGRAMS = ["bwrap", "unshare", "setpriv", "perl"];
/** What else an answer depends on: the boot, the namespaces and rights of this process, what the machine forbids. */
const TEXTS = [
  "/proc/sys/kernel/random/boot_id",
  "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
  "/proc/sys/kernel/unprivileged_userns_clone",
  "/proc/sys/user/max_user_namespaces",
];
const LINKS = ["/proc/self/ns/user", "/proc/self/ns/mnt", "/proc/self/ns/pid"];

const reasons = v.array(v.string());
const schema = v.object({
  key: v.string(),
  walls: v.optional(v.picklist(["bubblewrap", "seatbelt"])),
  partial: v.optional(v.picklist(["unshare"])),
  cage: v.optional(v.picklist(["unshare", "bubblewrap"])),
  reaper: v.optional(v.boolean()),
  reasons: v.object({ walls: reasons, cage: reasons }),
});

type Env = Readonly<Record<string, string>>;

/**
 * What an earlier trial said, when nothing it depends on has changed since; undefined otherwise. Only to be told: what
 * commands run under comes from a trial of this process. `version`: of this program.
 */
export function remembered(place: Place, env: Env, version: string): LevelFacts | undefined {
  try {
    const { key, ...facts } = v.parse(schema, JSON.parse(readFileSync(join(place.home, FILE), "utf8")));
    return key === keyOf(place, env, version) ? { walls: undefined, cage: undefined, ...facts } : undefined;
  } catch {
    // Not there, not ours, or not for us to read: it is found out anew.
    return undefined;
  }
}

/** Keeps what a trial said for the next start; where there is no home folder, nothing is kept. `unique`: for a temporary name. */
export function remember(
  facts: LevelFacts,
  around: { readonly place: Place; readonly env: Env; readonly version: string; readonly unique: string },
): void {
  const path = join(around.place.home, FILE);
  const temporary = `${path}.${around.unique}`;
  const key = keyOf(around.place, around.env, around.version);
  try {
    writeFileSync(temporary, `${JSON.stringify({ key, ...facts })}\n`, { mode: 0o600, flag: "wx" });
    renameSync(temporary, path);
  } catch {
    // No home folder, or not for us to write in: only time is lost, since the next start tries again.
    rmSync(temporary, { force: true });
  }
}

function keyOf(place: Place, env: Env, version: string): string {
  const programs = PROGRAMS.map((name) => {
    const path = findProgram(name, place, env);
    if (path === undefined) return [name];
    const stat = statSync(path, { throwIfNoEntry: false });
    return [path, stat?.dev, stat?.ino, stat?.size, stat?.mtimeMs];
  });
  const rights = /^(CapEff|CapBnd|NoNewPrivs|Seccomp):.*$/gm;
  return JSON.stringify([
    ...[version, process.geteuid?.(), process.getegid?.(), programs],
    ...[...TEXTS, "/proc/self/attr/current"].map(textOf),
    ...(textOf("/proc/self/status").match(rights) ?? []),
    ...LINKS.map(linkOf),
  ]);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    // A machine without it.
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // /proc is hidden.
    return "";
  }
}
