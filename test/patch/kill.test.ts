import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as after, setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type RecoveredPatch, recoverPatches } from "../../src/patch/index.js";
import { makeStart, TREES } from "./back-and-forth.js";
import { journalsOf, makePlace, type Place, readTree } from "./trees.js";

const KILLS = process.env.BELAY_SOAK === undefined ? 25 : 200;
const PROGRAM = fileURLToPath(new URL("back-and-forth.js", import.meta.url));

/** Starts the program, and kills it `delay` ms after its first two patches. */
async function killAfter(place: Place, delay: number): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, "apply", place.cwd, place.journal], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  await after(delay);
  child.kill("SIGKILL");
  const [, signal] = await ended;
  assert.equal(signal, "SIGKILL");
}

/** Which tree stands there. Empty folders don't count. */
function side(place: Place): 0 | 1 | string {
  const files = Object.entries(readTree(place.cwd)).filter(([path]) => !path.endsWith("/"));
  const is = JSON.stringify(files.sort());
  const linked = readFileSync(join(place.cwd, "..", "second-name"), "utf8");
  for (const which of [0, 1] as const) {
    if (is === JSON.stringify(Object.entries(TREES[which]).sort()) && linked === TREES[which].linked) return which;
  }
  return is;
}

function assertWhole(place: Place, what: string): void {
  const is = side(place);
  assert.ok(is === 0 || is === 1, `${what}: ${is}`);
  assert.deepEqual(journalsOf(place), [], what);
}

test(`killed at ${KILLS} moments, a patch is all old or all new after the next start`, async (t) => {
  const place = makePlace(t);
  makeStart(place.cwd);
  const ended: RecoveredPatch[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const delay = ((kill * 7) % 40) + Math.random();
    await killAfter(place, delay);
    // Two recoveries at a time, as when two programs start.
    const both = await Promise.all([recoverPatches(place.journal), recoverPatches(place.journal)]);
    ended.push(...both.flat());
    assertWhole(place, `killed after ${delay} ms`);
  }
  assert.ok(ended.length > 0);
  assert.ok(ended.every(({ outcome, kept }) => (outcome === "finished" || outcome === "undone") && kept.length === 0));
});

test("two processes that recover at a time do it once", async (t) => {
  const place = makePlace(t);
  makeStart(place.cwd);
  let recovered: RecoveredPatch[] = [];
  for (let attempt = 0; attempt < 20 && recovered.length === 0; attempt += 1) {
    await killAfter(place, attempt);
    const run = () => promisify(execFile)(process.execPath, [PROGRAM, "recover", place.cwd, place.journal]);
    const outputs = await Promise.all([run(), run(), recoverPatches(place.journal)]);
    const [first, second, third] = outputs;
    recovered = [...parse(first.stdout), ...parse(second.stdout), ...third];
    assertWhole(place, "recovered by three");
  }
  assert.equal(recovered.length, 1);
});

test("a patch that is being applied is left alone", async (t) => {
  const place = makePlace(t);
  makeStart(place.cwd);
  const child = spawn(process.execPath, [PROGRAM, "apply", place.cwd, place.journal], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  // Looked at while it surely has a journal: before and after.
  for (let looks = 0; looks < 20; ) {
    const [before] = journalsOf(place);
    assert.deepEqual(await recoverPatches(place.journal), []);
    if (before !== undefined && journalsOf(place).includes(before)) looks += 1;
    await nextTurn();
    assert.equal(child.exitCode, null);
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  await recoverPatches(place.journal);
  assertWhole(place, "after the kill");
});

function parse(text: string): RecoveredPatch[] {
  return JSON.parse(text) as RecoveredPatch[];
}
