import { type Exit, findReaper, namespaceProgram, run } from "../process/index.js";
import { bubblewrapCage } from "./bubblewrap.js";
import { findProgram, isProgram } from "./find-program.js";
import { runSandboxed } from "./run-sandboxed.js";
import type { Cage, Place, SandboxLevel, Walls } from "./types.js";
import { unshareCage } from "./unshare.js";

const SEATBELT = "/usr/bin/sandbox-exec";
/** How long a probe may take, ms. */
const PROBE_BOUND_MS = 10_000;
/** How much of a program's complaint is told. */
const COMPLAINT_LIMIT = 300;

const INSTALL =
  "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap; Arch: pacman -S bubblewrap; Alpine: apk add bubblewrap)";
const ALLOW =
  "user namespaces may be forbidden here: see kernel.apparmor_restrict_unprivileged_userns, kernel.unprivileged_userns_clone and user.max_user_namespaces (sysctl), and in a container its seccomp profile";

interface Found<T> {
  readonly found: T | undefined;
  readonly reasons: readonly string[];
}

/**
 * What this machine can do for commands, by trying it: a few short processes, most often two. Programs are taken
 * from absolute folders of `env.PATH`, never from inside the place's folder. Throws only when the signal is aborted.
 */
export async function probe(
  place: Place,
  options: { readonly env: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<SandboxLevel> {
  if (process.platform === "darwin") return probeMac();
  if (process.platform !== "linux") return level(none(`there is no sandbox for ${process.platform} yet`), none());
  const bubblewrap = findProgram("bwrap", place, options.env);
  const [walls, cage, reaper] = await Promise.all([
    probeWalls(bubblewrap, place, options),
    probeCage(bubblewrap, place, options),
    findReaper(options.signal),
  ]);
  options.signal.throwIfAborted();
  const found = { ...level(walls, cage), reaper };
  return walls.found === undefined ? { ...found, partial: await probeMountWalls(place, options) } : found;
}

type Options = Parameters<typeof probe>[1];

async function probeWalls(program: string | undefined, place: Place, options: Options): Promise<Found<Walls>> {
  if (program === undefined) return none(`bwrap was not found on PATH: ${INSTALL}`);
  const complaints: string[] = [];
  for (const proc of ["own", "host"] as const) {
    const walls: Walls = { kind: "bubblewrap", program, proc };
    const trial = { argv: ["/bin/sh", "-c", ":"], cwd: "/", env: {} };
    const around = { place, level: { ...level(none(), none()), walls } };
    const ran = await runSandboxed(trial, { mode: "read-only" }, { ...limits(options), ...around });
    if (!ran.ok) return none(ran.reason);
    if (works(ran.exit)) {
      return { found: walls, reasons: proc === "own" ? [] : [hostProc(complaints[0])] };
    }
    complaints.push(complaint(ran.exit));
  }
  return none(`bwrap can't make a sandbox here (${complaints[0]}): ${ALLOW}`);
}

/** Our own mounts under unshare, where bubblewrap can't be had. */
async function probeMountWalls(place: Place, options: Options): Promise<Walls | undefined> {
  const [setpriv, unshare] = ["setpriv", "unshare"].map((name) => findProgram(name, place, options.env));
  if (setpriv === undefined || unshare === undefined) return undefined;
  const walls: Walls = { kind: "unshare", setpriv, unshare };
  const trial = { argv: ["/bin/sh", "-c", ":"], cwd: "/", env: {} };
  const around = { place, level: { ...level(none(), none()), walls } };
  const ran = await runSandboxed(trial, { mode: "read-only" }, { ...limits(options), ...around });
  options.signal.throwIfAborted();
  return ran.ok && works(ran.exit) ? walls : undefined;
}

async function probeCage(bubblewrap: string | undefined, place: Place, options: Options): Promise<Found<Cage>> {
  const [setpriv, unshare] = ["setpriv", "unshare"].map((name) => findProgram(name, place, options.env));
  const cages: Cage[] = [];
  if (setpriv !== undefined && unshare !== undefined) {
    const user = process.geteuid?.() === 0 ? "root" : "other";
    cages.push({ kind: "unshare", proc: "own", argv: unshareCage({ setpriv, unshare }, user) });
  }
  if (bubblewrap !== undefined) {
    for (const proc of ["own", "host"] as const)
      cages.push({ kind: "bubblewrap", proc, argv: bubblewrapCage(bubblewrap, proc) });
  }
  const complaints: string[] = [];
  for (const cage of cages) {
    const argv = [...cage.argv, ...namespaceProgram(["/bin/sh", "-c", ":"])];
    const exit = await run({ argv, cwd: "/", env: {}, namespace: true }, limits(options));
    if (works(exit)) return { found: cage, reasons: cage.proc === "own" ? [] : [hostProc(complaints[0])] };
    complaints.push(`${cage.kind}: ${complaint(exit)}`);
  }
  if (cages.length === 0)
    return none(`neither unshare and setpriv (util-linux) nor bwrap were found on PATH: ${INSTALL}`);
  return none(`no PID namespace can be made here (${complaints.join("; ")}): ${ALLOW}`);
}

function hostProc(why: string | undefined): string {
  return `/proc can't be mounted here (${why}): commands see the machine's own`;
}

function probeMac(): SandboxLevel {
  const walls: Found<Walls> = isProgram(SEATBELT)
    ? { found: { kind: "seatbelt", program: SEATBELT }, reasons: [] }
    : none(`${SEATBELT} is missing`);
  return level(walls, none("macOS has no PID namespaces"));
}

function limits({ signal }: Options) {
  return { signal, timeoutMs: PROBE_BOUND_MS, keep: { head: COMPLAINT_LIMIT, tail: 0 } };
}

function works(exit: Exit): boolean {
  return exit.end === "exited" && exit.code === 0;
}

function complaint(exit: Exit): string {
  const text = exit.error ?? exit.output.parts().head;
  return text.trim().slice(0, COMPLAINT_LIMIT) || `${exit.end}, code ${exit.code ?? "none"}`;
}

function level(walls: Found<Walls>, cage: Found<Cage>): SandboxLevel {
  return { walls: walls.found, cage: cage.found, reasons: { walls: walls.reasons, cage: cage.reasons } };
}

function none(...reasons: string[]): { readonly found: undefined; readonly reasons: readonly string[] } {
  return { found: undefined, reasons };
}
