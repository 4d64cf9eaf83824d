import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "./temporary.js";

/** Both ends of a pipe, as file descriptors that no child inherits by accident. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

export interface Pipes {
  readonly stdout: Pipe;
  readonly stderr: Pipe;
  /** When it was asked for. */
  readonly stdin?: Pipe | undefined;
}

const STOCK = 8;
const MKFIFO_BOUND_MS = 2000;

const stock: Pipe[] = [];
let filling: Promise<boolean> | undefined;

/**
 * True pipes for a command's output, and for its input when wanted. Node itself gives children socket pairs, on which Linux refuses to open
 * /dev/stdout and /dev/stderr (`tee /dev/stderr` fails with ENXIO). Node can't make pipes, so they are made as FIFOs
 * where no confined command can reach them, a few at a time, opened and unlinked at once.
 * Undefined where that isn't needed (macOS) or can't be had (no mkfifo, no such place).
 */
export async function takePipes(options: { readonly input: boolean }): Promise<Pipes | undefined> {
  if (process.platform !== "linux") return undefined;
  const wanted = options.input ? 3 : 2;
  // Others may take what was made while we waited for it.
  while (stock.length < wanted) {
    filling ??= fill().finally(() => {
      filling = undefined;
    });
    if (!(await filling)) return undefined;
  }
  const [stdout, stderr, stdin] = stock.splice(-wanted);
  return { stdout: stdout!, stderr: stderr!, stdin };
}

/** Gives back pipes that were never handed to a process. */
export function returnPipes(pipes: Pipes): void {
  stock.push(...pipesOf(pipes));
}

/** Closes all of them, whoever has what end. */
export function closePipes(pipes: Pipes): void {
  for (const pipe of pipesOf(pipes)) closePipe(pipe);
}

function pipesOf({ stdout, stderr, stdin }: Pipes): Pipe[] {
  return stdin === undefined ? [stdout, stderr] : [stdout, stderr, stdin];
}

/** False when none could be made. */
async function fill(): Promise<boolean> {
  for (const folder of temporaryFolders("belay-pipes-", "private")) {
    const made = await pipesIn(folder);
    stock.push(...made);
    if (made.length > 0) return true;
  }
  return false;
}

async function pipesIn(folder: string): Promise<Pipe[]> {
  const made: Pipe[] = [];
  try {
    const paths = Array.from({ length: STOCK }, (_, at) => join(folder, String(at)));
    if (!(await makeFifos(paths))) return [];
    for (const path of paths) made.push(openPipe(path));
    return made;
  } catch {
    // No permission, no descriptors left: commands run on socket pairs instead.
    for (const pipe of made) closePipe(pipe);
    return [];
  }
}

function closePipe(pipe: Pipe): void {
  closeSync(pipe.read);
  closeSync(pipe.write);
}

function openPipe(path: string): Pipe {
  // Without O_NONBLOCK opening the first end would wait for the other one.
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(read).isFIFO()) throw new Error(`${path} is no FIFO`);
    return { read, write: openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW) };
  } catch (error) {
    closeSync(read);
    // Rethrown: only the first end had to be closed.
    throw error;
  }
}

function makeFifos(paths: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const env = { PATH: "/usr/bin:/bin:/run/current-system/sw/bin" };
    const child: ChildProcess = spawn("mkfifo", ["-m", "600", ...paths], { env, stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), MKFIFO_BOUND_MS);
    const settle = (made: boolean) => {
      clearTimeout(timer);
      resolve(made);
    };
    child.once("error", () => settle(false));
    child.once("exit", (code) => settle(code === 0));
  });
}
