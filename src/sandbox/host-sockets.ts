import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { realPath } from "../base/index.js";
import { isInside } from "./writable-roots.js";

/** Sockets covered for one command; more are not on a machine that people work on, and each costs time to cover. */
const MOST = 500;

/** Where the system itself has its sockets and devices: covered as whole folders, whatever lies in them. */
export const SERVICE_FOLDERS: readonly string[] = ["/run", "/var/run", "/dev", "/proc"];

/** A file by which local programs can be reached. Another one of the same name has another `id`. */
export interface HostSocket {
  readonly path: string;
  readonly id: string;
}

/**
 * The files of sockets on which programs of this machine listen (docker, tmux, an ssh agent), but those in service
 * folders: even on a read-only mount anybody with the permission can connect to them. From Linux's list of the network
 * namespace, so what commands listen on without the network is not among them; what listens in another namespace (outside of
 * the container we are in) is known when its file was mounted here, or when `named`. Empty where the list can't be read;
 * undefined when there are too many to cover.
 */
export function hostSockets(named: readonly string[] = []): readonly HostSocket[] | undefined {
  const list = read("/proc/net/unix");
  if (list === undefined) return [];
  // "address: references protocol flags type state inode path": abstract names begin with @, unnamed ones have none.
  const listening = list.split("\n").map((line) => /^(?:\S+ +){7}(\/.*)$/.exec(line.replace(/: */, ": "))?.[1]);
  const sockets = new Map<string, HostSocket>();
  for (const path of [...listening, ...mountPoints(), ...named.map(realPath)]) {
    if (path === undefined || sockets.has(path) || isInside(path, SERVICE_FOLDERS)) continue;
    const id = socketId(path);
    if (id !== undefined) sockets.set(path, { path, id });
    if (sockets.size > MOST) return undefined;
  }
  return [...sockets.values()];
}

/** Where parts of file systems are mounted; a mount of a single file may be a socket's. Whole file systems may be a network's, and are not asked. */
function mountPoints(): string[] {
  const fields = (read("/proc/self/mountinfo")?.split("\n") ?? []).map((line) => line.split(" "));
  const points = fields.flatMap(([, , , root, point]) => (point === undefined || root === "/" ? [] : [point]));
  return points.map((point) =>
    point.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))),
  );
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not Linux, or /proc is hidden.
    return undefined;
  }
}

/** The sockets that are still the same ones. */
export function lasting(sockets: readonly HostSocket[], before: readonly HostSocket[]): readonly HostSocket[] {
  const ids = new Set(before.map(({ path, id }) => `${id} ${path}`));
  return sockets.filter(({ path, id }) => ids.has(`${id} ${path}`));
}

/** What to cover: folders that hold nothing but sockets as wholes (the next socket in there is covered too), and single files. */
export interface Covers {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** `needed`: paths that commands work in: no folder on the way to one of them is covered. */
export function coversFor(sockets: readonly HostSocket[], needed: readonly string[]): Covers {
  const folders = new Set<string>();
  const files: string[] = [];
  for (const { path } of sockets) {
    const folder = dirname(path);
    if (folders.has(folder)) continue;
    if (!needed.some((one) => isInside(one, [folder])) && holdsOnlySockets(folder)) folders.add(folder);
    else files.push(path);
  }
  return { folders: [...folders], files };
}

function holdsOnlySockets(folder: string): boolean {
  try {
    return readdirSync(folder).every((name) => socketId(join(folder, name)) !== undefined);
  } catch {
    // Gone, or not for us to look into.
    return false;
  }
}

function socketId(path: string): string | undefined {
  try {
    const stat = lstatSync(path);
    // A file system may use the number of one that is gone at once again.
    return stat.isSocket() ? `${stat.dev}:${stat.ino}:${stat.birthtimeMs}` : undefined;
  } catch {
    // Gone, or behind a folder that we, and so a command, may not enter.
    return undefined;
  }
}
