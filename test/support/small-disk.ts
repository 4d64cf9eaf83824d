import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** How a mount namespace can be had here: of its own right for root, within a user namespace for everybody else. */
const WAYS = [["-m"], ["-Urm"]] as const;

const way = WAYS.find((flags) => canMount(flags));

/** Options of a test that needs a file system of its own: skipped, with the reason, where this machine gives none. */
export const SMALL_DISKS =
  way === undefined ? { skip: "needs a mount namespace (unshare -m, or -Urm), which this machine does not give" } : {};

/** File systems of a few hundred KB, mounted over folders for the programs that are started `under` it, and for nobody else. */
export interface SmallDisk {
  /** What stands before a program's own words, so that it sees them. */
  readonly under: readonly string[];
  /** A path there, as this process can open it. */
  at(path: string): string;
  /** Takes all space of the one that holds a folder, less so many bytes (whole pages of 4 KiB). */
  fill(folder: string, left?: number): void;
  /** Gives it back. */
  free(folder: string): void;
  /** Makes one that nobody can write to, or one as before. Nobody may have a file open for writing in the former case. */
  remount(folder: string, how: "ro" | "rw"): void;
}

/** Mounts an empty tmpfs over each folder, of so many bytes; gone when the test ends. */
export async function mountSmallDisk(
  t: TestContext,
  mounts: readonly { readonly folder: string; readonly bytes: number }[],
): Promise<SmallDisk> {
  const script = mounts.map(({ bytes }, at) => `mount -t tmpfs -o size=${bytes},mode=700 none "$${at + 1}"`);
  const argv = [...way!, "sh", "-ec", `${script.join("\n")}\necho mounted\nread end`, "sh"];
  // It lives as long as its stdin, so that it can't outlive the tests.
  const holder = spawn("unshare", [...argv, ...mounts.map(({ folder }) => folder)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(holder, "exit");
  t.after(async () => {
    holder.stdin.end();
    await ended;
  });
  await Promise.race([
    once(holder.stdout, "data"),
    ended.then(() => Promise.reject(new Error("the small disk could not be mounted"))),
  ]);
  const target = ["-t", String(holder.pid)];
  const user = way!.includes("-Urm" as never) ? ["-U", "--preserve-credentials"] : [];
  const enter = [...target, ...user, "-m"];
  const at = (path: string) => `/proc/${holder.pid}/root${path}`;
  return {
    // Who enters a mount namespace stands in its root.
    under: ["nsenter", ...enter, "sh", "-c", 'cd "$0" && exec "$@"'],
    at,
    fill: (folder, left = 0) => fill(at(ballastOf(folder)), left),
    free: (folder) => rmSync(at(ballastOf(folder))),
    remount: (folder, how) => {
      execFileSync("nsenter", [...enter, "mount", "-o", `remount,${how}`, folder]);
    },
  };
}

function ballastOf(folder: string): string {
  return join(folder, "ballast");
}

const PAGE = Buffer.alloc(4096, "x");

function fill(path: string, left: number): void {
  // What is given back at the end is space that was there, to the page.
  const reserve = `${path}.reserve`;
  takeAll(reserve, left);
  takeAll(path, Number.POSITIVE_INFINITY);
  rmSync(reserve);
}

/** Writes until there is no more, or so many bytes are taken. */
function takeAll(path: string, bytes: number): void {
  const fd = openSync(path, "w");
  try {
    for (let taken = 0; taken < bytes; taken += PAGE.length) writeSync(fd, PAGE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(fd);
  }
}

function canMount(flags: readonly string[]): boolean {
  const folder = mkdtempSync(join(tmpdir(), "belay-mount-"));
  const { status } = spawnSync("unshare", [...flags, "mount", "-t", "tmpfs", "-o", "size=64k", "none", folder]);
  rmdirSync(folder);
  return status === 0;
}
