import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folders of one replay, below one that is removed at its end. Absolute, without links. */
export interface Scratch {
  readonly root: string;
  /** Stands for the folder that the session worked in. */
  readonly work: string;
  /** For Belay's own files. */
  readonly home: string;
  /** The home folder of commands; empty. */
  readonly user: string;
  /** For temporary files of commands. */
  readonly tmp: string;
  /** Undefined, or why it could not be removed, for people. */
  remove(): string | undefined;
}

/** Throws system errors. */
export function makeScratch(env: Readonly<Record<string, string | undefined>>): Scratch {
  const root = realpathSync(mkdtempSync(join(env.TMPDIR || tmpdir(), "belay-replay-")));
  const folders = {
    work: join(root, "work"),
    home: join(root, "home"),
    user: join(root, "user"),
    tmp: join(root, "tmp"),
  };
  for (const path of Object.values(folders)) mkdirSync(path, { mode: 0o700 });
  return { root, ...folders, remove: () => removeAll(root) };
}

function removeAll(root: string): string | undefined {
  try {
    rmSync(root, { recursive: true, force: true });
    return undefined;
  } catch {
    // A command may have taken away our right to change a folder: it is ours to give back.
    unlock(root);
  }
  try {
    rmSync(root, { recursive: true, force: true });
    return undefined;
  } catch (error) {
    // Something still writes there, or the disk fails: who runs this can see to it.
    return `${root} could not be removed: ${(error as Error).message}`;
  }
}

function unlock(folder: string): void {
  try {
    chmodSync(folder, 0o700);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) unlock(join(folder, entry.name));
    }
  } catch {
    // Gone by now, or not ours after all: removing it will say so.
  }
}
