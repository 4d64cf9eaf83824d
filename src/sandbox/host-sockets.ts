import { lstatSync, readFileSync } from "node:fs";
import { isInside } from "./writable-roots.js";

/** Sockets covered one by one; more are not on a machine that people work on. */
const MOST = 200;

/**
 * The files of sockets on which programs of this machine listen (docker, tmux, an ssh agent), but those in `hidden`
 * folders: even on a read-only mount anybody with the permission can connect to them. From Linux's list of the network
 * namespace, so what commands listen on without the network is not among them. Empty where it can't be read.
 */
export function hostSockets(hidden: readonly string[]): string[] {
  let list: string;
  try {
    list = readFileSync("/proc/net/unix", "utf8");
  } catch {
    // Not Linux, or /proc is hidden.
    return [];
  }
  const paths = new Set<string>();
  for (const line of list.split("\n")) {
    // "address: references protocol flags type state inode path": abstract names begin with @, unnamed ones have none.
    const path = /^(?:\S+ +){7}(\/.*)$/.exec(line.replace(/: */, ": "))?.[1];
    if (path !== undefined && !isInside(path, hidden) && isSocket(path)) paths.add(path);
    if (paths.size >= MOST) break;
  }
  return [...paths];
}

function isSocket(path: string): boolean {
  try {
    return lstatSync(path).isSocket();
  } catch {
    // Gone, or behind a folder that we, and so a command, may not enter.
    return false;
  }
}
