/** What a path is at one moment, as far as it can be brought back. Modes are permission bits (`0o7777`). */
export type State = FileState | LinkState | FolderState | UncoveredState;

/** Tells whether a file is the same one, unchanged: times in ms with what fraction the system gives. */
export interface Stamp {
  readonly ino: number;
  readonly mtime: number;
  readonly ctime: number;
}

export interface FileState extends Partial<Stamp> {
  readonly kind: "file";
  readonly mode: number;
  readonly size: number;
  /** SHA-256 of the content, under which the object store has it. */
  readonly sha?: string;
  /** Why there is no `sha`, for people. */
  readonly why?: string;
}

export interface LinkState {
  readonly kind: "link";
  readonly target: string;
}

export interface FolderState {
  readonly kind: "folder";
  readonly mode: number;
}

/** Something that is not kept: a device, a socket, an ignored folder that is too large. `why` is for people. */
export interface UncoveredState {
  readonly kind: "uncovered";
  readonly why: string;
  /** Git ignores it: nobody is told that it changed, and an undo leaves it alone. */
  readonly ignored?: boolean;
}

/** What happened to one path; null where nothing was, or is. `path` is absolute, without symbolic links above its name. */
export interface Change {
  readonly path: string;
  readonly before: State | null;
  readonly after: State | null;
}

/** How much is looked at and kept. */
export interface Budget {
  /** Files and folders looked at below the roots. */
  readonly entries: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Files, and bytes, kept ahead because git does not have them. */
  readonly keptFiles: number;
  readonly keptBytes: number;
  /** Files and folders of one folder that git ignores, and bytes of it. */
  readonly ignoredEntries: number;
  readonly ignoredBytes: number;
  /** Bytes kept of what one call changed. */
  readonly callBytes: number;
  /** Files in git's index from which on git is asked what has changed: below, a look at each is faster. */
  readonly askGitFrom: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_BUDGET: Budget = {
  entries: 200_000,
  fileBytes: 64 * MIB,
  keptFiles: 20_000,
  keptBytes: 256 * MIB,
  ignoredEntries: 1_000,
  ignoredBytes: 16 * MIB,
  callBytes: 512 * MIB,
  askGitFrom: 2_000,
};

/** Gives the event loop its turn when the work has had the thread for a while. */
export interface Pace {
  /** True when it is time to `rest`. */
  due(): boolean;
  rest(): Promise<void>;
}
