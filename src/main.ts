import { writeSync } from "node:fs";
import { basename } from "node:path";
import { keepCompiledCode } from "./compiled-code.js";

declare const BELAY_VERSION: string | undefined;

/** Put in by the build. */
const version = typeof BELAY_VERSION === "string" ? BELAY_VERSION : "0.0.0-dev";

/** Threads that wait for the disk: to give back the space of a file may take it longer than all else that a patch does. */
const DISK_THREADS = "16";

/** A link of this name to the program is the command, as Codex has it. */
const isPatcher = /^apply_?patch$/.test(basename(process.argv[1] ?? ""));

const words = [...(isPatcher ? ["apply-patch"] : []), ...process.argv.slice(2)];

const options = { process, version, exit: (code: number) => process.exit(code) };

// Before anything else is even read: who asks for the version is a script more often than a person, and wants it at once.
if (words.length === 1 && (words[0] === "--version" || words[0] === "-V")) writeSync(1, `belay ${version}\n`);
else void start();

/** Settles when the front end has ended. */
async function start(): Promise<void> {
  // The demo and a replay leave nothing in the user's own folders.
  if (words[0] !== "demo" && words[0] !== "replay") keepCompiledCode(process.env, words[0]);
  if (words[0] === "apply-patch") {
    // Read by Node when it first needs one of them.
    process.env.UV_THREADPOOL_SIZE ??= DISK_THREADS;
    const { startPatchLine } = await import("./patch-line.js");
    return startPatchLine(words.slice(1), options);
  }
  const { startCommandLine } = await import("./command-line.js");
  return startCommandLine(words, options);
}
