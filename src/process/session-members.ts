import { readdirSync, readFileSync } from "node:fs";

/** One process of a session. `dead`: a zombie, which only waits to be collected by its parent. */
export interface Member {
  readonly pid: number;
  readonly group: number;
  readonly dead: boolean;
}

/**
 * The processes of a session, from Linux's /proc: those with an id from `id` up to the last one handed out, or, with
 * `everywhere` or after the ids began again at the bottom, all. Undefined where /proc can't tell (other platforms).
 * Costs some 25 us a process looked at, without waiting.
 */
export function sessionMembers(id: number, options: { readonly everywhere: boolean }): readonly Member[] | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const last = Number(readFileSync("/proc/loadavg", "latin1").trim().split(" ").at(-1));
    const from = options.everywhere || !(last >= id) ? 0 : id;
    const members: Member[] = [];
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid < from) continue;
      const member = readMember(pid, id);
      if (member !== undefined) members.push(member);
    }
    return members;
  } catch {
    // /proc is hidden or not mounted: the caller goes by the process group alone.
    return undefined;
  }
}

function readMember(pid: number, session: number): Member | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    // It ended since the folder was listed.
    return undefined;
  }
  // "pid (name) state ppid group session ... threads": the name may hold anything, also ") ".
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (Number(fields[3]) !== session) return undefined;
  // A first thread that ended shows as a zombie too while others of its process run on.
  const dead = fields[0] === "X" || (fields[0] === "Z" && Number(fields[17]) <= 1);
  return { pid, group: Number(fields[2]), dead };
}
