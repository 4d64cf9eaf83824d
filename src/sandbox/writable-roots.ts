import { realpathSync, statSync } from "node:fs";
import { isAbsolute, sep } from "node:path";
import type { SandboxPolicy } from "../protocol/index.js";

export type Roots =
  | {
      readonly ok: true;
      readonly roots: readonly string[];
      /** Those of them that are worked in: without the ones for temporary files. */
      readonly own: readonly string[];
    }
  | { readonly ok: false; readonly reason: string };

/** Never writable as the machine has it, since Belay hands things to commands there: they have one of their own. */
const SHARED_MEMORY = "/dev/shm";

/**
 * The folders a command may write in, without symbolic links, each once, an outer one before those inside it. The
 * policy's own must be there; /tmp and $TMPDIR only count where they are.
 */
export function writableRoots(policy: SandboxPolicy, cwd: string, env: Readonly<Record<string, string>>): Roots {
  if (policy.mode !== "workspace-write") return { ok: true, roots: [], own: [] };
  const roots = new Set<string>();
  for (const [what, path] of [["the folder", cwd], ...policy.writable_roots.map((one) => ["the writable root", one])]) {
    const found = findFolder(path!);
    if (!found.ok) return { ok: false, reason: `${what} ${path} ${found.reason}` };
    if (found.path === "/") {
      return { ok: false, reason: `${what} ${path} is the whole machine: that is sandbox mode danger-full-access` };
    }
    if (isInside(SHARED_MEMORY, [found.path])) {
      return { ok: false, reason: `${what} ${path} is shared by all programs of the machine: use a folder in it` };
    }
    roots.add(found.path);
  }
  const own = [...roots];
  const extra = [policy.exclude_slash_tmp ? "" : "/tmp", policy.exclude_tmpdir_env_var ? "" : (env.TMPDIR ?? "")];
  for (const path of extra.filter(isAbsolute)) {
    const found = findFolder(path);
    if (found.ok && !isInside(SHARED_MEMORY, [found.path])) roots.add(found.path);
  }
  return { ok: true, roots: [...roots].sort((one, other) => one.length - other.length), own };
}

type Found = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly reason: string };

/** A folder's path without symbolic links, or what is wrong with it. */
export function findFolder(path: string): Found {
  if (!isAbsolute(path)) return { ok: false, reason: "is not an absolute path" };
  try {
    const real = realpathSync(path);
    return statSync(real).isDirectory() ? { ok: true, path: real } : { ok: false, reason: "is not a folder" };
  } catch (error) {
    // What it can't be used for is the answer.
    return { ok: false, reason: explain((error as NodeJS.ErrnoException).code) };
  }
}

function explain(code: string | undefined): string {
  if (code === "ENOENT") return "does not exist";
  if (code === "ENOTDIR") return "is not a folder";
  if (code === "ELOOP") return "is a symbolic link that leads back to itself";
  if (code === "EACCES") return "can't be entered: permission denied";
  return `can't be used (${code ?? "unknown error"})`;
}

/** Whether a path is a folder of the list or lies in one; no symbolic links are followed. */
export function isInside(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(folder === "/" ? folder : folder + sep));
}
