import { tmpdir } from "node:os";
import { probe } from "../../src/sandbox/index.js";

const level = await probe(
  { cwd: tmpdir(), home: tmpdir() },
  { env: { PATH: process.env.PATH ?? "/usr/bin:/bin" }, signal: new AbortController().signal },
);

/** Options of a test that needs commands to be confined: skipped, with the reason, where this machine can't. */
export const WALLED = level.walls === undefined ? { skip: level.reasons.walls.join("; ") } : {};
