import { access, chmod, constants, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Where the final message goes; `exists` is what is there already. */
export interface MessageFile {
  /** Absolute, symbolic links followed. */
  readonly path: string;
  readonly existing: "nothing" | "file" | "other";
  readonly mode: number | undefined;
}

/** Looks at the place before a turn is paid for. A string says why nothing can be written there. */
export async function findMessageFile(path: string): Promise<MessageFile | string> {
  try {
    const real = await realpath(path);
    const found = await stat(real);
    if (found.isDirectory()) return "is a folder";
    await access(real, constants.W_OK);
    return { path: real, existing: found.isFile() ? "file" : "other", mode: found.mode & 0o777 };
  } catch (error) {
    // Not there yet is the usual case; all else is the user's to know.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") return reason(error);
  }
  try {
    await access(dirname(path), constants.W_OK);
    return { path, existing: "nothing", mode: undefined };
  } catch (error) {
    // The folder is missing or not ours to write to.
    return `its folder cannot be written to (${reason(error)})`;
  }
}

/** Writes the message as it is: a reader sees the whole text or what was there before. A string says why it failed. */
export async function writeMessage(file: MessageFile, message: string, unique: string): Promise<string | undefined> {
  try {
    if (file.existing === "other") {
      // A device or a pipe takes text; it must not be replaced by a file.
      await writeFile(file.path, message);
      return undefined;
    }
    const draft = join(dirname(file.path), `.belay-${unique}.tmp`);
    try {
      await writeFile(draft, message, { flag: "wx" });
      if (file.mode !== undefined) await chmod(draft, file.mode);
      await rename(draft, file.path);
    } finally {
      await rm(draft, { force: true });
    }
    return undefined;
  } catch (error) {
    // A full disk is an outcome to report, beside the message that is on stdout anyway.
    return reason(error);
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
