import { type Command, findObstacle, namespaceProgram } from "../process/index.js";
import type { SandboxPolicy } from "../protocol/index.js";
import { bubblewrapArgv, type Cell } from "./bubblewrap.js";
import { gitFolders } from "./git-folders.js";
import { guardFor } from "./guard.js";
import { coversFor, type HostSocket, hostSockets } from "./host-sockets.js";
import { mountWallsArgv } from "./mount-walls.js";
import { seatbeltProfile } from "./seatbelt.js";
import { seccompFilter } from "./seccomp.js";
import type { Place, SandboxLevel, Wrapped } from "./types.js";
import { isInside, writableRoots } from "./writable-roots.js";

/** The descriptor of the first content passed to a program. */
const FIRST_PASSED = 4;
/** What leads to services of the machine that are out of reach. */
const DROPPED = [
  ...["SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"],
  ...["XDG_RUNTIME_DIR", "TMUX", "DOCKER_HOST"],
];

/** The paths that those variables name: `/run/agent`, `unix:path=/run/bus,guid=1`, `unix:///run/docker.sock`, `/tmp/tmux,1,0`. */
export function namedSockets(env: Readonly<Record<string, string>>): string[] {
  return DROPPED.flatMap((name) => /\/[^,;]*/.exec(env[name]?.replace(/^\w+:\/\/(?=\/)/, "") ?? "") ?? []);
}

/**
 * The command to run in place of `command`, so that it can do no more than the policy allows, with what the level
 * offers. `sockets`: the machine's to cover, when not all there are. Looks at the disk (the writable folders, git's settings in them), changes nothing. Refused, never loosened:
 * what the level can't do, folders that can't be used, programs that are not there.
 */
export function wrap(
  command: Command,
  policy: SandboxPolicy,
  around: { readonly place: Place; readonly level: SandboxLevel; readonly sockets?: readonly HostSocket[] | undefined },
): Wrapped {
  const obstacle = findObstacle(command);
  if (obstacle !== undefined) return { ok: false, reason: obstacle.reason };
  if (policy.mode === "danger-full-access") return wrapFully(command, around.level);
  const { walls } = around.level;
  if (walls === undefined) {
    const why = around.level.reasons.walls.join("; ");
    return { ok: false, reason: `sandbox mode ${policy.mode} can't be kept on this machine: ${why}` };
  }
  const found = writableRoots(policy, around.place.cwd, command.env);
  if (!found.ok) return found;
  const git = gitFolders(found.own, found.roots);
  const roots = [...found.roots, ...git];
  const guard = guardFor(found.roots, git);
  const network = policy.mode === "workspace-write" && policy.network_access;
  const env = environment(command, policy.mode, network);
  if (walls.kind === "seatbelt") {
    const argv = [walls.program, "-p", seatbeltProfile({ roots, guard, network }), ...command.argv];
    return {
      ok: true,
      command: { ...command, argv, env: { ...env, CODEX_SANDBOX: "seatbelt" } },
      watched: [],
      covered: [],
    };
  }
  const sockets = around.sockets ?? hostSockets(namedSockets(command.env));
  if (sockets === undefined)
    return { ok: false, reason: "more programs of this machine listen on socket files than can be kept out of reach" };
  const filter = seccompFilter({ arch: process.arch, network });
  const { home } = around.place;
  const filtered = filter !== undefined && walls.kind === "bubblewrap";
  // A command without our streams is the leader of a session of its own anyway.
  const session: Cell["session"] = command.errorsApart === true && !filtered ? "own" : "ours";
  const needed = [...roots, ...guard.mounts.map(({ path }) => path), command.cwd, home];
  const cell = {
    ...{ roots, guard, network, filtered, session, isRoot: process.geteuid?.() === 0 },
    ...{ cwd: command.cwd, home, covers: coversFor(sockets, needed) },
  };
  const covered = cell.covers.files.filter((path) => isInside(path, roots));
  const wrapped = { ...command, env, namespace: true };
  if (walls.kind === "unshare") {
    const argv = mountWallsArgv(walls, cell, programOf(command, 0));
    return { ok: true, command: { ...wrapped, argv }, watched: guard.watched, covered };
  }
  const passed = filter === undefined ? [] : [filter];
  const argv = bubblewrapArgv(walls, cell, programOf(command, passed.length));
  return { ok: true, command: { ...wrapped, argv, passed }, watched: guard.watched, covered };
}

/**
 * Nothing is kept from the command: it only gets a PID namespace where one can be had, else a reaper, unless it is to have
 * our streams: in a session of its own our terminal would not be its.
 */
function wrapFully(command: Command, { cage, keepsChildren, reaper }: SandboxLevel): Wrapped {
  const env = { ...command.env, BELAY_SANDBOX: "danger-full-access" };
  if (cage === undefined || keepsChildren === true) {
    const reaped = reaper === true && keepsChildren !== true && command.errorsApart !== true;
    return { ok: true, command: { ...command, env, keepsChildren, reaper: reaped }, watched: [], covered: [] };
  }
  const argv = [...cage.argv, ...programOf(command, 0)];
  return { ok: true, command: { ...command, argv, env, namespace: true }, watched: [], covered: [] };
}

/** `passed`: how many descriptors come before that of its standard error. */
function programOf({ argv, errorsApart }: Command, passed: number): string[] {
  return errorsApart === true ? namespaceProgram(argv, FIRST_PASSED + passed) : namespaceProgram(argv);
}

function environment(command: Command, mode: SandboxPolicy["mode"], network: boolean): Record<string, string> {
  const kept = Object.entries(command.env).filter(([name]) => !DROPPED.includes(name));
  const told = network ? [] : [["CODEX_SANDBOX_NETWORK_DISABLED", "1"]];
  return Object.fromEntries([...kept, ["BELAY_SANDBOX", mode], ...told]);
}
