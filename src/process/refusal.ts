import { accessSync, constants, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { NO_FOLDER } from "./passed.js";
import type { Command } from "./types.js";

/** Why a command can't be given to the system at all, for people; undefined when it can. */
export function findRefusal(command: Command): string | undefined {
  const program = command.argv[0];
  if (program === undefined) return "the command is empty";
  if (program === "") return "the name of the program is empty";
  if (command.argv.some(hasNul)) return "an argument contains a NUL byte";
  if (hasNul(command.cwd)) return "the name of the folder contains a NUL byte";
  for (const [name, value] of Object.entries(command.env)) {
    if (hasNul(name) || hasNul(value))
      return `the environment variable ${name.replaceAll("\0", "")} contains a NUL byte`;
  }
  return undefined;
}

/**
 * Why the system did not start a command, for people. It answers with one code for several causes (ENOENT for a missing
 * folder, program or interpreter), so the folder and the program are looked at again.
 */
export function explainFailure(command: Command, code: string): string {
  const folder = explainFolder(command.cwd);
  if (folder !== undefined) return folder;
  const program = command.argv[0]!;
  switch (code) {
    case "E2BIG":
      return "the argument list is too long";
    case "ENOENT":
    case "ENOTDIR":
      if (findFile(command) !== undefined)
        return `${program}: the interpreter or loader that it asks for was not found`;
      return program.includes("/") ? `${program}: not found` : `${program}: not found on PATH`;
    case "EACCES":
      return `${program}: permission denied`;
    case "ENOEXEC":
      return `${program}: not a program that this system can run`;
    case "EAGAIN":
    case "ENOMEM":
      return "the system has no room for another process";
    case "EMFILE":
    case "ENFILE":
      return "too many open files";
    case "ENOSPC":
    case "EDQUOT":
    case NO_FOLDER:
      return `${program}: could not be started: there is no space in the temporary folder ${tmpdir()} (free some, or set TMPDIR to another folder)`;
    default:
      return `${program}: could not be started (${code})`;
  }
}

/** `missing`: there is no such program; `not_runnable`: it may not be run; `refused`: the command is none, or its folder. */
export interface Obstacle {
  readonly kind: "missing" | "not_runnable" | "refused";
  /** For people. */
  readonly reason: string;
}

/**
 * Why a command could not be started, as far as that can be seen beforehand; for what is started by another program,
 * which would only complain in its output.
 */
export function findObstacle(command: Command): Obstacle | undefined {
  const refusal = findRefusal(command) ?? explainFolder(command.cwd);
  if (refusal !== undefined) return { kind: "refused", reason: refusal };
  const file = findFile(command);
  if (file === undefined) return { kind: "missing", reason: explainFailure(command, "ENOENT") };
  try {
    accessSync(file, constants.X_OK);
    return undefined;
  } catch {
    // It may not be run: that is the answer.
    return { kind: "not_runnable", reason: explainFailure(command, "EACCES") };
  }
}

function explainFolder(cwd: string): string | undefined {
  try {
    if (!statSync(cwd).isDirectory()) return `${cwd} is not a folder`;
    accessSync(cwd, constants.X_OK);
    return undefined;
  } catch (error) {
    // What the folder can't be used for is the answer.
    if ((error as NodeJS.ErrnoException).code === "EACCES") return `the folder ${cwd}: permission denied`;
    return `the folder ${cwd} does not exist`;
  }
}

/** The program's file, as the system looks for it: by the command's own PATH, relative to its folder. */
function findFile(command: Command): string | undefined {
  const program = command.argv[0]!;
  const folders = program.includes("/") ? [""] : (command.env.PATH ?? "/bin:/usr/bin").split(":");
  return folders.map((folder) => resolve(command.cwd, folder, program)).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Not there, or behind a folder that may not be entered: not what would have been started.
    return false;
  }
}

function hasNul(text: string): boolean {
  return text.includes("\0");
}
