import type { Command } from "../process/index.js";

/** Where commands run. All paths absolute. */
export interface Place {
  /** The conversation's folder; a command's own `cwd` may be another one. */
  readonly cwd: string;
  /** Belay's home folder: never writable for a sandboxed command, and the keys in it not readable. */
  readonly home: string;
}

/** How commands can be started in a PID namespace with no other walls. */
export interface Cage {
  readonly kind: "unshare" | "bubblewrap";
  readonly proc: "own" | "host";
  /** What goes before the namespace's program. */
  readonly argv: readonly string[];
}

/** How commands can be kept from files and the network. */
export type Walls =
  | {
      readonly kind: "bubblewrap";
      readonly program: string;
      /** `host`: /proc can't be mounted here (a container in a container), so the machine's own is shown, read-only. */
      readonly proc: "own" | "host";
    }
  /** Mounts of our own under util-linux's unshare: no filter of system calls. */
  | { readonly kind: "unshare"; readonly setpriv: string; readonly unshare: string }
  | { readonly kind: "seatbelt"; readonly program: string };

/** What this machine can do for commands. */
export interface SandboxLevel {
  /** Keeps to read-only and workspace-write; undefined: commands can't run in those modes. */
  readonly walls: Walls | undefined;
  /** Contains commands in danger-full-access. */
  readonly cage: Cage | undefined;
  /** Without a cage: whether commands in danger-full-access have a reaper; if not, what leaves its session may survive a stop. */
  readonly reaper?: boolean;
  /** Where there are no walls: what keeps to the modes but for the system calls, for those who want it. */
  readonly partial?: Walls | undefined;
  /** With full access, what a command leaves running is left alone: what the user wants, at the price of the cage. */
  readonly keepsChildren?: boolean;
  /** What is missing of either and what to do about it, a line each; empty when nothing is. */
  readonly reasons: { readonly walls: readonly string[]; readonly cage: readonly string[] };
}

/** A place in a writable folder that commands must not make or change, but that no mount can guard. */
export interface Watched {
  readonly path: string;
  /** What a symbolic link led to before; undefined: nothing was there. */
  readonly link: string | undefined;
}

export type Wrapped =
  | {
      readonly ok: true;
      readonly command: Command;
      readonly watched: readonly Watched[];
      /** Sockets in writable folders that are covered: where one goes away before it is, an empty file may take its place. */
      readonly covered: readonly string[];
    }
  /** Why the command can't run under this policy here, for people; it must not be run some other way unasked. */
  | { readonly ok: false; readonly reason: string };
