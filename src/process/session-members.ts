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
  const members: Member[] = [];
  const pids = idsFrom(id, options);
  for (const pid of pids ?? []) {
    const member = readMember(pid, id);
    if (member !== undefined) members.push(member);
  }
  return pids && members;
}

/**
 * The ids of all processes that may have come from `id`: from it on up to the last one handed out, or, with `everywhere`
 * or after the ids began again at the bottom, all. Undefined where /proc can't tell.
 */
export function idsFrom(id: number, options: { readonly everywhere: boolean }): readonly number[] | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const last = Number(readFileSync("/proc/loadavg", "latin1").trim().split(" ").at(-1));
    const from = options.everywhere || !(last >= id) ? 0 : id;
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid >= from);
  } catch {
    // /proc is hidden or not mounted: the caller goes by the process group alone.
    return undefined;
  }
}

/**
 * The processes that came from `id`, as far as they are its children, the children of those, and so on: in a PID
 * namespace that is all of them, since orphans go to its first process. Empty where /proc can't tell.
 */
export function descendants(id: number): readonly number[] {
  if (process.platform !== "linux") return [];
  const children = new Map<number, number[]>();
  try {
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      if (!Number.isInteger(pid)) continue;
      const parent = Number(readFields(pid)?.[1]);
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [pid]);
      else siblings.push(pid);
    }
  } catch {
    // /proc is hidden or not mounted: nobody is known.
    return [];
  }
  const found = [...(children.get(id) ?? [])];
  // Grows while it is walked.
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** The session a process is in; undefined when it has ended. */
export function sessionOf(pid: number): number | undefined {
  const session = Number(readFields(pid)?.[3]);
  return Number.isInteger(session) ? session : undefined;
}

/** When a process started, in ticks since the boot: two of one id at different times are told apart by it. Undefined when it has ended. */
export function startTime(pid: number): string | undefined {
  const fields = readFields(pid);
  return fields === undefined || fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** The fields of a process's stat line from its state on: state, parent, group, session, ...; undefined when it ended. */
function readFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // "pid (name) state ppid group session ... threads": the name may hold anything, also ") ".
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It ended since the folder was listed.
    return undefined;
  }
}

function readMember(pid: number, session: number): Member | undefined {
  const fields = readFields(pid);
  if (fields === undefined || Number(fields[3]) !== session) return undefined;
  // A first thread that ended shows as a zombie too while others of its process run on.
  const dead = fields[0] === "X" || (fields[0] === "Z" && Number(fields[17]) <= 1);
  return { pid, group: Number(fields[2]), dead };
}
