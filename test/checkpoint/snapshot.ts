import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything below a folder: kinds, modes, bytes, link targets; `.git` folders are left out. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string, name: string): void => {
    const stat = lstatSync(path);
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isSymbolicLink()) found[name] = `link ${readlinkSync(path)}`;
    else if (stat.isFile()) found[name] = `file ${mode} ${hashOf(path)}`;
    else if (!stat.isDirectory()) found[name] = "other";
    else {
      found[name] = `folder ${mode}`;
      for (const child of readdirSync(path)) if (child !== ".git") walk(join(path, child), `${name}/${child}`);
    }
  };
  walk(folder, ".");
  return found;
}

/** The bytes of a repository's own files that an undo must never touch: index, HEAD, refs, stash, settings, hooks. */
export function gitSnapshot(gitDir: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string, name: string): void => {
    if (name === "/objects") return;
    const stat = lstatSync(path);
    if (stat.isDirectory()) for (const child of readdirSync(path)) walk(join(path, child), `${name}/${child}`);
    else found[name] = `${stat.mtimeMs} ${hashOf(path)}`;
  };
  walk(gitDir, "");
  return found;
}

function hashOf(path: string): string {
  return createHash("sha1").update(readFileSync(path)).digest("hex");
}
