import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextLook } from "node:timers/promises";
import { mayRun, thisProcess, Undoing } from "../../src/checkpoint/index.js";
import { snapshot } from "../checkpoint/snapshot.js";
import { call, text } from "../support/model-server.js";
import { openScene, type Program, type Scene } from "../support/program.js";
import { SEED, seeded } from "../support/seed.js";
import { openProto } from "./proto-client.js";

/** Kills at random moments; the soak takes hundreds. */
const SOAK = process.env.BELAY_SOAK !== undefined;
const KILLS = SOAK ? 400 : 10;
const KILLS_OF_OPS = SOAK ? 40 : 1;
const FILES = 12;
/** How long after an undo is on its way it may be killed, ms. */
const LATEST = 25;
const FULL = ["-s", "danger-full-access"];

/** Files changed, made, removed, with other modes, in a folder that is shut. */
const DEEDS = [
  `for n in $(seq ${FILES}); do echo new $n > d/$n; done`,
  "rm gone; mkdir -p made/in; echo x > made/in/x; ln -s a made/link; chmod 700 mode",
  "chmod 755 shut; echo new > shut/in; chmod 555 shut",
].join("; ");

function fill({ place }: Scene): void {
  for (let n = 1; n <= FILES; n += 1) place.write(`d/${n}`, `old ${n}\n`);
  for (const name of ["gone", "mode", "shut/in"]) place.write(name, `${name}\n`);
  chmodSync(join(place.dir, "shut"), 0o555);
}

/** Kills the program once it is at an undo: its mark is there, or it has ended. Whether the mark was seen. */
async function killInside({ place }: Scene, program: Program, delay: number): Promise<boolean> {
  let isOver = false;
  void program.ended.then(() => (isOver = true));
  while (!isOver && !isUnderWay(place.home)) await nextLook();
  const wasSeen = !isOver;
  const until = performance.now() + delay;
  while (!isOver && performance.now() < until) await nextLook();
  program.signal("SIGKILL");
  await program.ended;
  return wasSeen;
}

function isUnderWay(home: string): boolean {
  const folder = join(home, "checkpoints/undoing");
  return existsSync(folder) && readdirSync(folder).length > 0;
}

function leftovers({ place }: Scene): string[] {
  const names = readdirSync(place.dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.includes(".belay-"));
}

test(`an undo and a redo are whole after ${KILLS} kills at random moments, and what the user writes meanwhile stays`, async (t) => {
  const scene = await openScene(t);
  const { place, run, server, start } = scene;
  t.diagnostic(`seed ${SEED} (BELAY_SEED)`);
  const random = seeded(SEED);
  fill(scene);
  const old = snapshot(place.dir);
  server.enqueue(call("exec_command", { cmd: DEEDS }), text("done"));
  assert.equal((await run(["exec", ...FULL, "go"])).code, 0);
  const done = snapshot(place.dir);
  const { signal } = new AbortController();
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const next = { home: place.home, clock, env: process.env, owner: thisProcess(), isAlive: mayRun, signal };
  let [isUndone, cut] = [false, 0];
  for (let kill = 0; kill < KILLS; kill += 1) {
    await killInside(scene, start(["undo", ...(isUndone ? ["--redo"] : [])]), random() * LATEST);
    if (isUnderWay(place.home)) cut += 1;
    const mine = random() < 0.3 ? join(place.dir, "d", String(1 + Math.floor(random() * FILES))) : undefined;
    const theirs = mine === undefined ? "" : readFileSync(mine, "utf8");
    if (mine !== undefined) writeFileSync(mine, "mine\n");
    // Every other time the program itself is what comes next.
    if (kill % 5 === 4) assert.equal((await run(["undo", "--list"])).code, 0);
    else {
      for (const { stuck, left } of await new Undoing(next).endCut()) {
        assert.deepEqual([stuck, left.filter(({ path }) => path !== mine)], [undefined, []], `kill ${kill}`);
      }
    }
    if (mine !== undefined) {
      assert.equal(readFileSync(mine, "utf8"), "mine\n", "what the user wrote is there");
      // What it would be by now, as far as it can be told; the rest of the tree says which.
      const which = snapshot(place.dir)["./gone"] === undefined ? "new" : "old";
      writeFileSync(mine, theirs.replace(/^(?:old|new)/, which));
    }
    const now = snapshot(place.dir);
    isUndone = now["./gone"] !== undefined;
    assert.deepEqual(now, isUndone ? old : done, `kill ${kill}`);
    assert.deepEqual([leftovers(scene), isUnderWay(place.home)], [[], false], `kill ${kill}`);
  }
  assert.ok(cut > 0, "none was cut in the middle");
  t.diagnostic(`${cut} of ${KILLS} were cut in the middle`);
  // The last one is brought to its end.
  if (!isUndone) assert.equal((await run(["undo"])).code, 0);
  assert.deepEqual(snapshot(place.dir), old);
});

test(`the op undo is whole after ${KILLS_OF_OPS} kills of its program, once any other has started`, async (t) => {
  const scene = await openScene(t);
  const { place, run, server } = scene;
  const random = seeded(SEED + 1);
  let told = 0;
  for (let kill = 0; kill < KILLS_OF_OPS; kill += 1) {
    fill(scene);
    const old = snapshot(place.dir);
    const client = await openProto(t, { scene });
    server.enqueue(call("exec_command", { cmd: DEEDS }), text("done"));
    client.say("1", "go");
    await client.end("1");
    const done = snapshot(place.dir);
    client.send("2", { type: "undo" });
    assert.ok(await killInside(scene, client.program, random() * LATEST), "an undo leaves its mark");
    server.enqueue(text("hello"));
    const other = await run(["exec", ...FULL, "hi"]);
    assert.equal(other.code, 0, other.stderr);
    if (/an undo that a crash had cut/.test(other.stderr)) told += 1;
    const now = snapshot(place.dir);
    assert.deepEqual(now, now["./gone"] === undefined ? done : old, `kill ${kill}`);
    assert.deepEqual([leftovers(scene), isUnderWay(place.home)], [[], false]);
    chmodSync(join(place.dir, "shut"), 0o755);
    await run(["undo", "--force"]);
  }
  t.diagnostic(`${told} of ${KILLS_OF_OPS} were carried on`);
});
