import assert from "node:assert/strict";
import { test } from "node:test";
import { type FileOps, nodeFileOps, recoverPatches } from "../../src/patch/index.js";
import { journalsOf, makePlace, type Place, runPatch, type Way } from "./trees.js";
import { makeOld, PATCH, systemError, watchedOps, whichTree } from "./twenty-files.js";

/** Every operation; the quick run takes every third where it has done the like before. */
const STRIDE = process.env.BELAY_SOAK === undefined ? 3 : 1;
const NO_LINKS: FileOps = {
  ...nodeFileOps,
  link: () => {
    throw systemError("EPERM");
  },
};

async function countOps(place: Place, base: FileOps, way: Way): Promise<number> {
  let total = 0;
  makeOld(place.cwd);
  const outcome = await runPatch(
    PATCH,
    place,
    watchedOps((count) => (total = count + 1), base),
    way,
  );
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.message);
  assert.equal(whichTree(place.cwd), "new");
  return total;
}

for (const [kind, base, way] of [
  ["hard links", nodeFileOps, "planned"],
  ["no hard links", NO_LINKS, "planned"],
  ["hard links, hunks placed late", nodeFileOps, "late"],
] as const) {
  test(`an operation that fails leaves all old or all new (${kind})`, async (t) => {
    const place = makePlace(t);
    const total = await countOps(place, base, way);
    assert.ok(total > 200, `${total} operations`);
    let old = 0;
    for (let fault = 0; fault < total; fault += kind === "no hard links" ? STRIDE : 1) {
      makeOld(place.cwd);
      let failed = "";
      const ops = watchedOps((count, name) => {
        if (count !== fault) return;
        failed = `${name} (${count})`;
        throw systemError("EIO");
      }, base);
      const outcome = await runPatch(PATCH, place, ops, way);
      // What a failed clearing left behind goes at the next start.
      const ended = await recoverPatches(place.journal, { alive: () => false });
      assert.equal(whichTree(place.cwd), outcome.ok ? "new" : "old", `${failed}: ${outcome.ok ? "" : outcome.message}`);
      assert.ok(
        ended.every((patch) => patch.outcome === (outcome.ok ? "finished" : "undone")),
        failed,
      );
      assert.deepEqual(journalsOf(place), [], failed);
      if (!outcome.ok) old += 1;
    }
    assert.ok(old > 0);
  });

  test(`a process that is gone from any operation on leaves all old or all new (${kind})`, async (t) => {
    const place = makePlace(t);
    const total = await countOps(place, base, way);
    const seen = new Set<string>();
    for (let fault = 0; fault < total; fault += STRIDE) {
      makeOld(place.cwd);
      const ops = watchedOps((count) => {
        if (count >= fault) throw systemError("EIO");
      }, base);
      await runPatch(PATCH, place, ops, way);
      await recoverPatches(place.journal, { alive: () => false });
      const tree = whichTree(place.cwd);
      assert.ok(tree === "old" || tree === "new", `gone at ${fault}: ${tree}`);
      seen.add(tree);
      assert.deepEqual(await recoverPatches(place.journal, { alive: () => false }), []);
    }
    assert.deepEqual([...seen].sort(), ["new", "old"]);
  });
}

test("each word of the journal, and all that is new, is on the disk before anything is renamed by it", async (t) => {
  const place = makePlace(t);
  makeOld(place.cwd);
  const done: string[] = [];
  const names = new Map<number, string>();
  const unsynced = new Set<number>();
  const ops: FileOps = {
    ...nodeFileOps,
    create: (path, mode) => {
      const fd = nodeFileOps.create(path, mode);
      names.set(fd, path.endsWith(".patch") ? "journal" : "new");
      if (!path.endsWith(".patch")) done.push("stage");
      return fd;
    },
    write: (fd, parts) => {
      unsynced.add(fd);
      if (names.get(fd) === "journal") done.push("write journal");
      return nodeFileOps.write(fd, parts);
    },
    sync: (fd) => {
      unsynced.delete(fd);
      if (names.get(fd) === "journal") done.push("sync journal");
      return Promise.resolve();
    },
    close: (fd) => {
      names.delete(fd);
      nodeFileOps.close(fd);
    },
    rename: (from, to) => {
      assert.deepEqual([...unsynced], []);
      done.push("rename");
      nodeFileOps.rename(from, to);
    },
  };
  const outcome = await runPatch(PATCH, place, ops);
  assert.ok(outcome.ok);
  const steps = done.filter((what, at) => what !== done[at - 1]);
  assert.deepEqual(
    steps.slice(0, 6),
    ["write journal", "sync journal", "stage", "write journal", "sync journal", "rename"],
    done.join(),
  );
});

test("a recovery that is cut itself is carried on by the next", async (t) => {
  const place = makePlace(t);
  const total = await countOps(place, nodeFileOps, "planned");
  for (const first of [Math.floor(total * 0.5), Math.floor(total * 0.75), Math.floor(total * 0.85)]) {
    for (let second = 0; second < 120; second += STRIDE * 2) {
      makeOld(place.cwd);
      const gone = (from: number) => (count: number) => {
        if (count >= from) throw systemError("EIO");
      };
      await runPatch(PATCH, place, watchedOps(gone(first)));
      try {
        await recoverPatches(place.journal, { alive: () => false, ops: watchedOps(gone(second)) });
      } catch {
        // The folder of the journals itself could not be read.
      }
      await recoverPatches(place.journal, { alive: () => false });
      const tree = whichTree(place.cwd);
      assert.ok(tree === "old" || tree === "new", `gone at ${first}, then ${second}: ${tree}`);
      assert.deepEqual(journalsOf(place), []);
    }
  }
});
