import { existsSync, lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { realPath } from "../base/index.js";
import type { Guard } from "./guard.js";
import type { Covers } from "./host-sockets.js";
import type { Walls } from "./types.js";
import { isInside } from "./writable-roots.js";

/** The descriptor of the first content passed to a program. */
const FIRST_PASSED = "4";
/** Where the sockets of the machine's services are; the second is usually a link to the first. */
const RUN_FOLDERS = ["/run", "/var/run"];
/**
 * What root keeps in the sandbox: to work in folders of other users, as in containers, where the project belongs to a
 * user outside. None of them reaches past a read-only mount.
 */
const ROOT_KEEPS = ["CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID"];
/** Parts of /proc by which root changes the machine, whatever its capabilities. */
const PROC_SETTINGS = ["sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "mtrr"];

/** What a command may do, in terms of mounts. */
export interface Cell {
  readonly roots: readonly string[];
  readonly guard: Guard;
  /** The machine's sockets, out of reach. */
  readonly covers: Covers;
  readonly network: boolean;
  readonly cwd: string;
  readonly home: string;
  /** Given with the command as its first passed content; without one (a machine we have no table for), bubblewrap itself forbids further user namespaces. */
  readonly filtered: boolean;
  /** `ours`: it has our terminal, if we have one; without a filter it needs one of its own, or it could type into that terminal. */
  readonly session: "ours" | "own";
  readonly isRoot: boolean;
}

/** The whole argv that runs a `namespaceProgram` in the cell: a PID, IPC and, without network, a network namespace of its own. */
export function bubblewrapArgv(
  walls: Walls & { kind: "bubblewrap" },
  cell: Cell,
  program: readonly string[],
): string[] {
  return [
    ...[walls.program, "--die-with-parent", "--unshare-pid", "--unshare-ipc"],
    ...(cell.network ? [] : ["--unshare-net"]),
    ...(cell.session === "own" ? ["--new-session"] : []),
    ...(cell.filtered ? ["--seccomp", FIRST_PASSED] : ["--unshare-user", "--disable-userns"]),
    ...(cell.isRoot ? ["--cap-drop", "ALL", ...ROOT_KEEPS.flatMap((name) => ["--cap-add", name])] : []),
    ...mountArguments(cell, walls.proc),
    ...["--", ...program],
  ];
}

/** What is mounted in the cell, in order, and the folder to start in, as bubblewrap has it. */
export function mountArguments(cell: Cell, proc: "own" | "host"): string[] {
  const { folders, files } = cell.covers;
  const anchors = [...cell.roots, ...cell.guard.mounts.map(({ path }) => path), ...folders, ...files];
  return [
    ...["--ro-bind", "/", "/", "--dev", "/dev"],
    ...procMounts(proc),
    ...runMounts(cell),
    ...writableFolders(cell.roots, anchors).flatMap((path) => ["--bind", path, path]),
    ...cell.guard.mounts.flatMap(({ path, kind }) => [kind === "held" ? "--bind" : "--ro-bind", path, path]),
    ...homeMounts(cell),
    ...folders.flatMap((path) => coverFolder(path, cell)),
    ...files.flatMap((path) => ["--ro-bind", "/dev/null", path]),
    ...["--chdir", cell.cwd],
  ];
}

/**
 * Runs a program in a PID namespace of its own, and nothing else of it changed as far as bubblewrap lets that be. With
 * the `host`'s /proc its processes have other numbers there than they know themselves by.
 */
export function bubblewrapCage(program: string, proc: "own" | "host"): string[] {
  const mounts = proc === "host" ? [] : ["--proc", "/proc", "--bind", "/proc/sys", "/proc/sys"];
  return [program, "--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/", ...mounts, "--"];
}

/**
 * The roots, and the folders on the way from them to each anchor, outer ones first. As mounts those can't be renamed;
 * otherwise a command could put a tree of its own in the place of what is guarded further down, or move it out of its
 * guard for the next command.
 */
function writableFolders(roots: readonly string[], anchors: readonly string[]): string[] {
  const folders = new Set(roots);
  for (const anchor of anchors) {
    for (let path = dirname(anchor); isInside(path, roots) && !folders.has(path); path = dirname(path))
      folders.add(path);
  }
  return [...folders].sort((one, other) => one.length - other.length);
}

function procMounts(proc: "own" | "host"): string[] {
  if (proc === "host") return ["--ro-bind", "/proc", "/proc"];
  // Bubblewrap covers some of these itself, but not where the folder is read-only and the files in it are not.
  const settings = PROC_SETTINGS.map((name) => `/proc/${name}`);
  return ["--proc", "/proc", ...settings.flatMap((path) => ["--ro-bind-try", path, path])];
}

/** Hides the services' sockets, but not what lookups of host names read, nor a project that lies there. */
function runMounts({ network, cwd, roots }: Cell): string[] {
  const hidden = RUN_FOLDERS.filter(isRealFolder);
  if (hidden.length === 0) return [];
  const shown = network ? realPaths(["/etc/resolv.conf"]) : [];
  shown.push(...realPaths(["/run/current-system", "/run/booted-system"]).filter((path) => isInside(path, hidden)));
  if (!isInside(cwd, roots)) shown.push(cwd);
  return [
    ...hidden.flatMap((path) => ["--tmpfs", path]),
    ...shown.filter((path) => isInside(path, hidden)).flatMap((path) => ["--ro-bind", path, path]),
    ...(roots.some((root) => isInside(root, hidden)) ? [] : hidden.flatMap((path) => ["--remount-ro", path])),
  ];
}

/** Where commands may write they can have sockets of their own in its place. */
function coverFolder(path: string, { roots }: Cell): string[] {
  const empty = ["--perms", "0700", "--tmpfs", path];
  return isInside(path, roots) ? empty : [...empty, "--remount-ro", path];
}

function homeMounts({ home, roots }: Cell): string[] {
  const [real] = realPaths([home]);
  if (real === undefined) return [];
  const keys = join(real, "auth.json");
  return [
    // A home folder that holds the project itself is protected in its parts.
    ...(isInside(real, roots) && !roots.some((root) => isInside(root, [real])) ? ["--ro-bind", real, real] : []),
    ...(existsSync(keys) ? ["--ro-bind", "/dev/null", keys] : []),
  ];
}

function isRealFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function realPaths(paths: readonly string[]): string[] {
  return paths.flatMap((path) => realPath(path) ?? []);
}
