import { readFileSync } from "node:fs";

/** The variable by which what a command started is found wherever it went, as long as it keeps its environment. */
const NAME = "BELAY_COMMAND";

let count = 0;

/** A variable and its value. */
export type Mark = Readonly<Record<string, string>>;

/** A variable of a command's environment that no other living process of this machine has in its own. */
export function newMark(): Mark {
  count += 1;
  return { [NAME]: `${process.pid}-${Date.now()}-${count}` };
}

/** Whether a living process has the mark in its environment; that of another user, or one that was cleared, is not seen. */
export function hasMark(pid: number, mark: Mark): boolean {
  return read(pid, "environ").split("\0").includes(`${NAME}=${mark[NAME]}`);
}

/** How a process was called; empty for one that has ended. */
export function argvOf(pid: number): readonly string[] {
  return read(pid, "cmdline").split("\0").slice(0, -1);
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    // It ended, or is another user's.
    return "";
  }
}
