import { readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";

/**
 * The process of Codex (0.169) that has a session open, by the advisory lock it holds on `thread-writer-locks/<id>.lock` as
 * Linux tells of it; undefined when none has, and where the system does not tell. 0: one in another PID namespace.
 */
export function codexWriter(home: string, id: string): number | undefined {
  const stat = statOf(join(home, "thread-writer-locks", `${id}.lock`));
  if (stat === undefined) return undefined;
  const major = (stat.dev >> 8) & 0xfff;
  const minor = (stat.dev & 0xff) | ((stat.dev >> 12) & 0xfff00);
  const hex = (n: number) => n.toString(16).padStart(2, "0");
  const file = `${hex(major)}:${hex(minor)}:${stat.ino}`;
  for (const line of lockLines()) {
    const [, kind, , , pid, place] = line.split(/\s+/);
    if (kind === "FLOCK" && place === file) return Number(pid);
  }
  return undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // No such file, as nearly always, or none that can be looked at.
    return undefined;
  }
}

function lockLines(): string[] {
  try {
    return readFileSync("/proc/locks", "utf8").split("\n");
  } catch {
    // Not Linux, or a container that hides it.
    return [];
  }
}
