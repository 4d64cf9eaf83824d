import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { openPlace, type Place } from "./place.js";
import { snapshot } from "./snapshot.js";

/** The calls by which anything is changed on disk. */
const EFFECTS = [
  "renameSync",
  "unlinkSync",
  "mkdirSync",
  "rmdirSync",
  "symlinkSync",
  "writeSync",
  "fchmodSync",
  "chmodSync",
] as const;

type Effect = (...args: unknown[]) => unknown;

/** Runs `work` while the n-th effect and those that `fails` says too throw; returns how many there were. */
async function withFaults(fails: (n: number) => boolean, work: () => Promise<unknown>): Promise<number> {
  const real = new Map(EFFECTS.map((name) => [name, fs[name] as Effect]));
  let count = 0;
  for (const [name, effect] of real) {
    (fs as unknown as Record<string, Effect>)[name] = (...args) => {
      count += 1;
      if (fails(count)) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      return effect(...args);
    };
  }
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    Object.assign(fs, Object.fromEntries(real));
    syncBuiltinESMExports();
  }
  return count;
}

interface Scene {
  readonly place: Place;
  readonly before: Record<string, string>;
  readonly after: Record<string, string>;
}

/** A turn of everything: changed, made, removed, moved files, folders, links and modes, files for folders and back. */
async function openScene(): Promise<Scene> {
  const place = openPlace();
  const at = (name: string) => join(place.work, name);
  for (const name of ["d1/d2", "e", "f", "shut"]) fs.mkdirSync(at(name), { recursive: true });
  for (const name of ["a", "b", "d1/c", "d1/d2/c", "e/x", "shut/in", "turns"]) fs.writeFileSync(at(name), `${name}\n`);
  fs.symlinkSync("a", at("link"));
  fs.chmodSync(at("shut"), 0o555);
  const before = snapshot(place.work);
  await place.call("1", () => {
    fs.writeFileSync(at("a"), "other\n");
    fs.chmodSync(at("b"), 0o700);
    fs.chmodSync(at("f"), 0o711);
    fs.rmSync(at("d1"), { recursive: true });
    fs.renameSync(at("e/x"), at("e/y"));
    fs.chmodSync(at("shut"), 0o755);
    fs.writeFileSync(at("shut/in"), "other\n");
    fs.chmodSync(at("shut"), 0o555);
    fs.unlinkSync(at("link"));
    fs.symlinkSync("b", at("link"));
    fs.unlinkSync(at("turns"));
    fs.mkdirSync(at("turns/into"), { recursive: true });
    fs.writeFileSync(at("turns/into/folder"), "new\n");
  });
  await place.end("1");
  return { place, before, after: snapshot(place.work) };
}

/** What is shut is opened, so that it can be removed. */
function close(place: Place): Promise<void> {
  fs.chmodSync(join(place.work, "shut"), 0o755);
  return place.close();
}

test("an undo that fails at any point has changed nothing", async () => {
  const { place, before, after } = await openScene();
  for (let n = 1; ; n += 1) {
    let end: { readonly ok: boolean; readonly message: string } | undefined;
    const effects = await withFaults(
      (count) => count === n,
      async () => {
        end = await place.undo();
      },
    );
    if (n > effects) break;
    // The last effects only write down that it is done.
    if (end!.ok) assert.deepEqual(snapshot(place.work), before, `effect ${n}`);
    else assert.deepEqual(snapshot(place.work), after, `effect ${n}: ${end!.message}`);
    if (end!.ok) assert.ok((await place.undo({ redo: true })).ok);
  }
  assert.deepEqual(snapshot(place.work), before);
  await close(place);
});

test("an undo that is cut at any point is carried on by the next one, or had not begun", async () => {
  const { place, before, after } = await openScene();
  let [begun, notBegun] = [0, 0];
  for (let n = 1; ; n += 1) {
    const effects = await withFaults(
      (count) => count >= n,
      () => place.undo().catch(() => undefined),
    );
    if (n > effects) break;
    const { history, resumed, stuck } = await place.undoing.open("conversation");
    assert.equal(stuck, undefined);
    const hadEnded = resumed === undefined && history.undos.length > 0;
    if (resumed === undefined && !hadEnded) {
      notBegun += 1;
      assert.deepEqual(snapshot(place.work), after, `cut at effect ${n}`);
      continue;
    }
    begun += 1;
    assert.deepEqual(resumed ?? [], [], `cut at effect ${n}`);
    assert.deepEqual(snapshot(place.work), before, `cut at effect ${n}`);
    assert.ok((await place.undo({ redo: true })).ok);
    assert.deepEqual(snapshot(place.work), after);
  }
  assert.ok(begun > 10 && notBegun > 0, `${begun} ${notBegun}`);
  assert.deepEqual(fs.readdirSync(join(place.home, "checkpoints")).includes("undoing"), false, "no mark is left");
  await close(place);
});

test("a home that can't be written is told, and stops no call", async () => {
  const place = openPlace();
  const { signal } = new AbortController();
  let failures: readonly string[] = [];
  await withFaults(
    () => true,
    async () => {
      const watched = await place.checkpoints.before(
        { turn: "1", call: "c", cwd: place.work },
        { roots: [place.work] },
        signal,
      );
      assert.equal(watched, undefined);
      failures = place.checkpoints.takeFailures();
    },
  );
  assert.match(failures.join(), /no space left/);
  await place.close();
});
