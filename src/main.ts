import { writeSync } from "node:fs";
import { basename } from "node:path";

declare const BELAY_VERSION: string | undefined;

/** Put in by the build. */
const version = typeof BELAY_VERSION === "string" ? BELAY_VERSION : "0.0.0-dev";

/** A link of this name to the program is the command, as Codex has it. */
const isPatcher = /^apply_?patch$/.test(basename(process.argv[1] ?? ""));

const words = [...(isPatcher ? ["apply-patch"] : []), ...process.argv.slice(2)];

// Before anything else is even read: who asks for the version is a script more often than a person, and wants it at once.
if (words.length === 1 && (words[0] === "--version" || words[0] === "-V")) writeSync(1, `belay ${version}\n`);
else void start();

/** Settles when the front end has ended. */
async function start(): Promise<void> {
  const { startCommandLine } = await import("./command-line.js");
  await startCommandLine(words, { process, version, exit: (code) => process.exit(code) });
}
