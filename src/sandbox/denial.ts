import { accessSync, constants, lstatSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { dirname, isAbsolute, resolve } from "node:path";
import type { SandboxPolicy } from "../protocol/index.js";

/** A command that failed within its walls. */
export interface Failure {
  /** What it printed, both streams. */
  readonly text: string;
  readonly code: number | undefined;
  readonly cwd: string;
  readonly policy: SandboxPolicy;
}

/** Characters of output looked at: the end, where programs say what went wrong. */
const LOOKED_AT = 64 * 1024;
/** Lines looked at more closely. */
const MOST_LINES = 200;
const TRACE_LINES = 3;
/** 128 and SIGSYS: the end of a program whose system calls are of another machine. */
const KILLED_BY_FILTER = 159;

const READ_ONLY = /read-only file system|\bEROFS\b/i;
const BUSY = /device or resource busy|\bEBUSY\b/i;
const NAMES =
  /could not resolve|unable to resolve|temporary failure in name resolution|name or service not known|\bEAI_AGAIN\b|\bENOTFOUND\b|failed to lookup address/i;
const UNREACHABLE = /network is unreachable|\bENETUNREACH\b/i;
const NOT_PERMITTED = /operation not permitted|\bEPERM\b|not permitted/i;
const SOCKETS = /socket|connect|bind|listen|dial|urlopen|ping|tcp|udp|http/i;
const GUARDED_CALLS = /ptrace|strace|gdb|unshare|bwrap|io_uring|perf|keyctl|setns|namespace|chroot|mount|bpf/i;
const CONNECTING = /connect|socket|daemon|agent|refused|no such file/i;

/**
 * What speaks for the sandbox as the cause of a failure, as the end of a sentence for people; undefined when nothing
 * does. A program's words alone are not enough where it can be checked: what it could not do has to be possible out here.
 * The words are those of the machine's libraries in English; a program may say anything, so this decides what a person is asked,
 * never what is allowed.
 */
export function findDenial(failure: Failure): string | undefined {
  const { code, policy } = failure;
  if (policy.mode === "danger-full-access" || code === 0) return undefined;
  if (code === KILLED_BY_FILTER) return "it is a program for another kind of machine, which the sandbox does not run";
  const lines = failure.text.slice(-LOOKED_AT).split("\n").slice(-MOST_LINES);
  for (const [at, line] of lines.entries()) {
    // Programs that print a trace name what they were at some lines before what came of it.
    const around = lines.slice(Math.max(0, at - TRACE_LINES), at + 1).join("\n");
    const reason =
      deniedWrite(line, failure) ??
      (NOT_PERMITTED.test(line) ? (refusedNetwork(around, policy) ?? deniedCall(around)) : undefined) ??
      missingNetwork(line, policy) ??
      deniedService(line, failure);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** The place that is named can be written out here. */
function deniedWrite(line: string, { cwd }: Failure): string | undefined {
  const isBusy = BUSY.test(line);
  if (!isBusy && !READ_ONLY.test(line)) return undefined;
  const writable = pathsIn(line, cwd).find(canWrite);
  if (writable !== undefined) return `${writable} can't be ${isBusy ? "moved or removed" : "written"} in the sandbox`;
  return undefined;
}

const NO_NETWORK = "there is no network in the sandbox";

function isOffline(policy: SandboxPolicy): boolean {
  return policy.mode !== "workspace-write" || !policy.network_access;
}

function refusedNetwork(text: string, policy: SandboxPolicy): string | undefined {
  return isOffline(policy) && SOCKETS.test(text) ? NO_NETWORK : undefined;
}

function missingNetwork(line: string, policy: SandboxPolicy): string | undefined {
  const isCutOff = isOffline(policy) && (NAMES.test(line) || UNREACHABLE.test(line));
  return isCutOff && hasNetwork() ? NO_NETWORK : undefined;
}

function deniedCall(text: string): string | undefined {
  const name = GUARDED_CALLS.exec(text)?.[0].toLowerCase();
  if (name === undefined) return undefined;
  // What takes root fails for others outside as well.
  if (["mount", "chroot", "setns", "bpf"].includes(name) && process.geteuid?.() !== 0) return undefined;
  return `the sandbox does not allow what it tried (${name})`;
}

/** A socket of the machine that is covered in the sandbox. */
function deniedService(line: string, { cwd }: Failure): string | undefined {
  if (!CONNECTING.test(line)) return undefined;
  const socket = pathsIn(line, cwd).find(isSocket);
  return socket === undefined ? undefined : `${socket} is out of reach in the sandbox`;
}

/** What may be paths: in quotes, or words with a slash; without the marks that stand around them. */
function pathsIn(line: string, cwd: string): string[] {
  const quoted = [...line.matchAll(/['"`‘“]([^'"`’”]{1,4096})['"`’”]/g)].map(([, text]) => text!);
  const words = line.split(/\s+/).map((word) => word.replace(/^[('"`[]+|[)'"`\],.:;]+$/g, ""));
  const named = words.map((word) => word.replace(/^(?:unix|file):\/\//, "")).filter((word) => isAbsolute(word));
  // "touch: FILE: Read-only file system", "sh: 1: cannot create FILE: Read-only file system"
  const before = /([^\s:'"]+): (?:read-only file system|device or resource busy)/i.exec(line)?.[1];
  return [...quoted, ...named, ...(before === undefined ? [] : [before])].map((path) =>
    resolve(cwd, path.replaceAll("\0", "")),
  );
}

/** Whether we, outside, could make or change it. */
function canWrite(path: string): boolean {
  for (const one of [path, dirname(path)]) {
    try {
      accessSync(one, constants.W_OK);
      return true;
    } catch (error) {
      // Not there: then its folder counts. Anything else is the answer.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") return false;
    }
  }
  return false;
}

function isSocket(path: string): boolean {
  try {
    return lstatSync(path).isSocket();
  } catch {
    // Not there for us either.
    return false;
  }
}

function hasNetwork(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => !internal) === true);
}
