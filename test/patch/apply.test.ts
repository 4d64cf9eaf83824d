import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import {
  applyPlan,
  type FileOps,
  type FileStat,
  nodeFileOps,
  type PatchPlan,
  parsePatch,
  planPatch,
  recoverPatches,
} from "../../src/patch/index.js";
import { journalsOf, makePlace, type Place, patchOf, readTree, runPatch, TOUCHES, WAYS, withStats } from "./trees.js";
import { makeOld, PATCH, systemError, watchedOps, whichTree } from "./twenty-files.js";

const change = (path: string) => patchOf(`*** Update File: ${path}`, "@@", "-x", "+y");
const NEVER = new AbortController().signal;

async function planOf(text: string, place: Place, ops: FileOps = nodeFileOps): Promise<PatchPlan> {
  const parsed = parsePatch(text);
  assert.ok(parsed.ok);
  const planned = await planPatch(parsed.patch, { cwd: place.cwd, ops });
  assert.ok(planned.ok, planned.ok ? "" : planned.message);
  return planned.plan;
}

test("a file that changed between plan and apply is refused, and keeps its change", async (t) => {
  for (const [name, touch] of Object.entries(TOUCHES)) {
    const place = makePlace(t, { a: "x\n", b: "x\n" });
    const plan = await planOf(
      patchOf("*** Update File: b", "@@", "-x", "+y", "*** Update File: a", "@@", "-x", "+y"),
      place,
    );
    touch(join(place.cwd, "a"));
    const was = readTree(place.cwd);
    const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal });
    assert.ok(!applied.ok && applied.kind === "changed", name);
    assert.match(applied.message, /\/a" has changed since/);
    assert.deepEqual(readTree(place.cwd), was, name);
  }
});

test("a change is seen even where the file system's clock does not move", async (t) => {
  const place = makePlace(t, { a: "x\n" });
  const still = (stat: FileStat): FileStat => ({ ...stat, changed: 0n, version: stat.version.replace(/\d+$/, "0") });
  const ops = withStats(still);
  const plan = await planOf(change("a"), place, ops);
  writeFileSync(join(place.cwd, "a"), "z\n");
  const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal, ops });
  assert.ok(!applied.ok && applied.kind === "changed");
  assert.ok((await runPatch(change("a").replace("-x", "-z"), place, ops)).ok);
});

test("a file that came where one is to be made is refused, also at the last moment", async (t) => {
  const place = makePlace(t, { b: "x\n" });
  const text = patchOf("*** Update File: b", "@@", "-x", "+y", "*** Add File: a", "+mine");
  const before = await planOf(text, place);
  writeFileSync(join(place.cwd, "a"), "theirs\n");
  const applied = await applyPlan(before, { signal: NEVER, journal: place.journal });
  assert.ok(!applied.ok && applied.kind === "changed");
  rmSync(join(place.cwd, "a"));
  const late = await planOf(text, place);
  const ops: FileOps = {
    ...nodeFileOps,
    rename: (from, to) => {
      writeFileSync(join(place.cwd, "a"), "theirs\n");
      nodeFileOps.rename(from, to);
    },
  };
  const second = await applyPlan(late, { signal: NEVER, journal: place.journal, ops });
  assert.ok(!second.ok && second.kind === "changed");
  assert.deepEqual(readTree(place.cwd), { a: "theirs\n", b: "x\n" });
});

test("a file that changes while others are renamed already takes them back, and keeps its change", async (t) => {
  const place = makePlace(t, { a: "x\n", b: "x\n", c: "x\n" });
  const text = patchOf(...["a", "b", "c"].flatMap((name) => [`*** Update File: ${name}`, "@@", "-x", "+y"]));
  const plan = await planOf(text, place);
  let renames = 0;
  const ops: FileOps = {
    ...nodeFileOps,
    rename: (from, to) => {
      nodeFileOps.rename(from, to);
      renames += 1;
      if (renames === 1) writeFileSync(join(place.cwd, "b"), "longer\n");
    },
  };
  const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal, ops });
  assert.ok(!applied.ok && applied.kind === "changed" && renames > 1);
  assert.deepEqual(readTree(place.cwd), { a: "x\n", b: "longer\n", c: "x\n" });
  assert.deepEqual(journalsOf(place), []);
});

test("a cancel before the commit changes nothing, one after it is too late", async (t) => {
  const place = makePlace(t);
  const ends = new Set<string>();
  for (let moment = 0; ; moment += 4) {
    makeOld(place.cwd);
    const plan = await planOf(PATCH, place);
    const controller = new AbortController();
    let last = 0;
    const ops = watchedOps((count) => {
      last = count;
      if (count === moment) controller.abort();
    });
    const applied = await applyPlan(plan, { signal: controller.signal, journal: place.journal, ops });
    assert.equal(whichTree(place.cwd), applied.ok ? "new" : "old", `moment ${moment}`);
    assert.ok(applied.ok || applied.kind === "cancelled");
    assert.deepEqual(journalsOf(place), []);
    ends.add(String(applied.ok));
    if (moment > last) break;
  }
  assert.deepEqual([...ends].sort(), ["false", "true"]);
  makeOld(place.cwd);
  const applied = await applyPlan(await planOf(PATCH, place), { signal: AbortSignal.abort(), journal: place.journal });
  assert.ok(!applied.ok && applied.kind === "cancelled");
  assert.equal(whichTree(place.cwd), "old");
});

test("a cancel stops the staging at once, and is seen right before the commit", async (t) => {
  const place = makePlace(t);
  makeOld(place.cwd);
  for (const [name, most] of [
    ["create", 2],
    ["link", 100],
  ] as const) {
    const controller = new AbortController();
    let made = 0;
    const ops = watchedOps((_count, op) => {
      if (op === "create") made += 1;
      // The journal is the first file made, the first step's new content the second.
      if (op === name && made === 2) controller.abort();
    });
    const applied = await applyPlan(await planOf(PATCH, place), {
      signal: controller.signal,
      journal: place.journal,
      ops,
    });
    assert.ok(!applied.ok && applied.kind === "cancelled");
    assert.ok(made <= most, `${made} files made`);
    assert.equal(whichTree(place.cwd), "old");
  }
  writeFileSync(join(place.cwd, "one"), "x\n");
  const controller = new AbortController();
  // The last thing staged of the only file: nothing but the commit comes after it.
  const ops = watchedOps((_count, name) => (name === "link" ? controller.abort() : undefined));
  const applied = await applyPlan(await planOf(change("one"), place), {
    signal: controller.signal,
    journal: place.journal,
    ops,
  });
  assert.ok(!applied.ok && applied.kind === "cancelled");
});

test("permissions stay, also with a move; the owner stays where this process may give files away", async (t) => {
  const place = makePlace(t, { a: "x\n", b: "x\n", c: "x\n" });
  const [a, b] = [join(place.cwd, "a"), join(place.cwd, "b")];
  const own = process.geteuid?.() === 0 ? 4321 : process.geteuid!();
  for (const path of [a, b]) {
    chownSync(path, own, process.getegid!());
    chmodSync(path, 0o4751);
  }
  const text = patchOf(
    "*** Update File: a",
    "@@",
    "-x",
    "+y",
    "*** Update File: b",
    "*** Move to: d/b",
    "@@",
    "-x",
    "+y",
  );
  assert.ok((await runPatch(text, place)).ok);
  for (const path of [a, join(place.cwd, "d", "b")]) {
    const stat = statSync(path);
    assert.equal(stat.mode & 0o7777, 0o4751, path);
    assert.equal(stat.uid, own);
    assert.equal(readFileSync(path, "utf8"), "y\n");
  }
});

test("where times can't tell of another write, because they are young or kept coarsely, the bytes are compared", async (t) => {
  const cases: readonly [string, number, bigint, boolean][] = [
    ["kept finely, and old", 100, 1n, false],
    ["kept finely, and young", -60_000, 1n, true],
    ["kept coarsely", 30, 0n, true],
  ];
  for (const [name, age, rest, isCompared] of cases) {
    const place = makePlace(t, { a: "x\n" });
    const time = Date.now() - age;
    const changed = BigInt(time) * 1_000_000n + rest;
    const frozen = (stat: FileStat): FileStat => ({ ...stat, version: `${stat.inode}:2:1`, changed, modifiedMs: time });
    let reads = 0;
    const ops: FileOps = {
      ...withStats(frozen),
      read: (fd, size) => {
        reads += 1;
        return nodeFileOps.read(fd, size);
      },
    };
    const plan = await planOf(change("a"), place, ops);
    writeFileSync(join(place.cwd, "a"), "z\n");
    const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal, ops });
    assert.deepEqual([applied.ok, reads], isCompared ? [false, 2] : [true, 1], name);
  }
});

test("a file with several names changes under all of them; a plain move keeps the file itself", async (t) => {
  const place = makePlace(t, { a: "x\nmore\n", m: "x\n" });
  linkSync(join(place.cwd, "a"), join(place.cwd, "b"));
  linkSync(join(place.cwd, "m"), join(place.cwd, "n"));
  const [a, m] = [statSync(join(place.cwd, "a")), statSync(join(place.cwd, "m"))];
  const text = patchOf("*** Update File: a", "@@", "-x", "+y", "-more", "*** Update File: m", "*** Move to: d/m");
  assert.ok((await runPatch(text, place)).ok);
  assert.deepEqual(readTree(place.cwd), { a: "y\n", b: "y\n", "d/m": "x\n", n: "x\n" });
  assert.equal(statSync(join(place.cwd, "b")).ino, a.ino);
  assert.equal(statSync(join(place.cwd, "d", "m")).ino, m.ino);
  const both = parsePatch(patchOf("*** Update File: a", "@@", "-y", "+1", "*** Update File: b", "@@", "-y", "+2"));
  assert.ok(both.ok);
  const planned = await planPatch(both.patch, { cwd: place.cwd });
  assert.match(planned.ok ? "" : planned.message, /one file \(hard links\)/);
});

test("one of a file's two names may go while the other's content changes", async (t) => {
  for (const way of WAYS) {
    const place = makePlace(t, { a: "x\n" });
    linkSync(join(place.cwd, "a"), join(place.cwd, "b"));
    const text = patchOf("*** Delete File: b", "*** Update File: a", "@@", "-x", "+y");
    const outcome = await runPatch(text, place, nodeFileOps, way);
    assert.ok(outcome.ok, outcome.ok ? "" : outcome.message);
    assert.deepEqual(readTree(place.cwd), { a: "y\n" });
  }
});

test("a file that stays as it is is not written", async (t) => {
  const text = patchOf("*** Update File: a", "@@", "-x", "+x", " k", "*** Add File: b", "+x");
  for (const way of WAYS) {
    const place = makePlace(t, { a: "x\nk\n", b: "x\n" });
    utimesSync(join(place.cwd, "a"), 1, 1);
    assert.ok((await runPatch(text, place, nodeFileOps, way)).ok);
    assert.equal(statSync(join(place.cwd, "a")).mtimeMs, 1000);
  }
});

test("a file without write permission is refused", async (t) => {
  const place = makePlace(t, { a: "x\n" });
  const outcome = await runPatch(change("a"), place, { ...nodeFileOps, writable: () => false });
  assert.match(outcome.ok ? "" : outcome.message, /permission denied/);
  assert.deepEqual(readTree(place.cwd), { a: "x\n" });
});

test("a folder the patch made stays when someone put a file in it", async (t) => {
  const place = makePlace(t, { a: "x\n" });
  const plan = await planOf(patchOf("*** Add File: d/e/f", "+f", "*** Update File: a", "@@", "-x", "+y"), place);
  const ops: FileOps = {
    ...nodeFileOps,
    rename: () => {
      writeFileSync(join(place.cwd, "d", "theirs"), "t\n");
      throw systemError("EIO");
    },
  };
  const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal, ops });
  assert.ok(!applied.ok && applied.kind === "failed");
  assert.deepEqual(readTree(place.cwd), { a: "x\n", "d/theirs": "t\n" });
});

test("what a crash left and someone changed since is theirs: the rest is undone, in several goes if need be", async (t) => {
  const text = patchOf(...["a", "b", "c"].flatMap((path) => [`*** Update File: ${path}`, "@@", "-x", "+y"]));
  for (let cut = 0; cut < 60; cut += 1) {
    const place = makePlace(t, { a: "x\n", b: "x\n", c: "x\n" });
    let renames = 0;
    const ops = watchedOps((_count, name) => {
      if (name === "rename") renames += 1;
      if (renames >= 2) throw systemError("EIO");
    });
    await applyPlan(await planOf(text, place), { signal: NEVER, journal: place.journal, ops });
    assert.equal(readFileSync(join(place.cwd, "a"), "utf8"), "y\n");
    writeFileSync(join(place.cwd, "c"), "edited since\n");
    const gone = watchedOps((count) => {
      if (count >= cut) throw systemError("EIO");
    });
    const first = await recoverPatches(place.journal, { alive: () => false, ops: gone }).catch(() => []);
    const [ended] = [
      ...first.filter(({ outcome }) => outcome !== "failed"),
      ...(await recoverPatches(place.journal, { alive: () => false })),
    ];
    if (cut === 0) assert.deepEqual(ended?.kept, [join(place.cwd, "c")]);
    assert.ok(ended === undefined || ended.outcome === "undone", `cut at ${cut}`);
    assert.deepEqual(readTree(place.cwd), { a: "x\n", b: "x\n", c: "edited since\n" }, `cut at ${cut}`);
    assert.deepEqual(journalsOf(place), []);
  }
});

test("a working folder that is gone ends its journal", async (t) => {
  const place = makePlace(t, { a: "x\n" });
  const ops = watchedOps((_count, name) => {
    if (name === "rename" || name === "unlink") throw systemError("EIO");
  });
  await applyPlan(await planOf(change("a"), place), { signal: NEVER, journal: place.journal, ops });
  assert.equal(journalsOf(place).length, 1);
  rmSync(place.cwd, { recursive: true });
  const ended = await recoverPatches(place.journal, { alive: () => false });
  assert.deepEqual(
    ended.map(({ outcome }) => outcome),
    ["undone"],
  );
  assert.deepEqual(journalsOf(place), []);
});

test("changes are described as clients are shown them", async (t) => {
  const place = makePlace(t, {
    "b.txt": "gone\n",
    "a.txt": "one\ntwo\n",
    "o.txt": "old\n",
    "m.txt": "1\n2\n3\n4\n5\n6\n7\n8",
  });
  const text = patchOf(
    "*** Add File: n.txt",
    "+hello",
    "*** Delete File: b.txt",
    "*** Update File: a.txt",
    "@@",
    "-one",
    "+uno",
    " two",
    "*** Add File: o.txt",
    "+new",
    "*** Update File: m.txt",
    "*** Move to: sub/m.txt",
    "@@",
    " 2",
    "-3",
    "+three",
    "@@",
    "-8",
    "+eight",
  );
  const { changes } = await planOf(text, place);
  const at = (path: string) => join(place.cwd, path);
  assert.deepEqual(changes, {
    [at("n.txt")]: { add: { content: "hello\n" } },
    [at("b.txt")]: "delete",
    [at("a.txt")]: { update: { unified_diff: "@@ -1,2 +1,2 @@\n-one\n+uno\n two\n", move_path: null } },
    [at("o.txt")]: { update: { unified_diff: "@@ -1 +1 @@\n-old\n+new\n", move_path: null } },
    [at("m.txt")]: {
      update: {
        unified_diff:
          "@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n@@ -7,2 +7,2 @@\n 7\n-8\n\\ No newline at end of file\n+eight\n",
        move_path: at("sub/m.txt"),
      },
    },
  });
});

test("many small hunks and files go through", async (t) => {
  const lines = Array.from({ length: 400 }, (_, n) => `row ${n}\n`);
  const tree = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`d${n}/f`, lines.join("")]));
  const place = makePlace(t, tree);
  const hunks = [10, 100, 200, 399].flatMap((n) => ["@@", `-row ${n}`, `+changed ${n}`]);
  // More folders than are held open at a time.
  const outcome = await runPatch(
    patchOf(...Object.keys(tree).flatMap((path) => [`*** Update File: ${path}`, ...hunks])),
    place,
  );
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.message);
  const expected = lines
    .map((line, n) => ([10, 100, 200, 399].includes(n) ? line.replace("row", "changed") : line))
    .join("");
  assert.deepEqual(
    readTree(place.cwd),
    Object.fromEntries(
      Object.keys(tree)
        .sort()
        .map((path) => [path, expected]),
    ),
  );
});

test("files from more folders than are held open go into one", async (t) => {
  const names = Array.from({ length: 300 }, (_, n) => `f${n}`);
  const place = makePlace(t, Object.fromEntries(names.map((name) => [`${name}/x`, `${name}\n`])));
  const moves = names.flatMap((name) => [`*** Update File: ${name}/x`, `*** Move to: all/${name}`]);
  const synced = new Set<number>();
  const errors: unknown[] = [];
  const ops: FileOps = {
    ...nodeFileOps,
    sync: async (fd) => {
      try {
        const { ino } = fstatSync(fd);
        await nodeFileOps.sync(fd);
        // Still the same, when it is done.
        assert.equal(fstatSync(fd).ino, ino);
        synced.add(ino);
      } catch (error) {
        errors.push(error);
      }
    },
  };
  const outcome = await runPatch(patchOf("*** Add File: all/first", "+1", ...moves), place, ops);
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.message);
  assert.deepEqual(errors, []);
  for (const name of [...names, "all"]) assert.ok(synced.has(statSync(join(place.cwd, name)).ino), name);
  for (const name of names) assert.equal(readFileSync(join(place.cwd, "all", name), "utf8"), `${name}\n`);
});

test("an error of one file's sync refuses the patch, also where the whole file system can't be synced", async (t) => {
  const names = Array.from({ length: 600 }, (_, n) => `f${n}`);
  const place = makePlace(t, Object.fromEntries(names.map((name) => [name, "x\n"])));
  const text = patchOf(...names.flatMap((name) => [`*** Update File: ${name}`, "@@", "-x", "+y"]));
  let syncs = 0;
  const failing: FileOps = {
    ...nodeFileOps,
    flush: () => Promise.resolve(false),
    sync: (fd) => {
      syncs += 1;
      return syncs === 450 ? Promise.reject(systemError("EIO")) : nodeFileOps.sync(fd);
    },
  };
  const options = { signal: NEVER, journal: place.journal };
  const refused = await applyPlan(await planOf(text, place), { ...options, ops: failing });
  assert.ok(!refused.ok && refused.kind === "failed", "an error of the disk was passed over");
  assert.deepEqual(readTree(place.cwd), Object.fromEntries(names.sort().map((name) => [name, "x\n"])));
  assert.deepEqual(journalsOf(place), []);
});

for (const [how, count, answers] of [
  ["few, each by itself", 5, []],
  ["many, with the whole file system", 600, [true]],
  ["many, where that can't be had", 600, [false]],
] as const) {
  test(`every new file is synced before the first rename: ${how}`, async (t) => {
    const names = Array.from({ length: count }, (_, n) => `f${n}`);
    const place = makePlace(t, Object.fromEntries(names.map((name) => [name, "x\n"])));
    const plan = await planOf(
      patchOf(...names.flatMap((name) => [`*** Update File: ${name}`, "@@", "-x", "+y"])),
      place,
    );
    const opened = new Map<number, string>();
    const unsynced = new Set<string>();
    let flushes = 0;
    let renames = 0;
    const ops: FileOps = {
      ...nodeFileOps,
      create: (path, mode) => {
        const fd = nodeFileOps.create(path, mode);
        opened.set(fd, path);
        return fd;
      },
      open: (path, access) => {
        const file = nodeFileOps.open(path, access);
        opened.set(file.fd, path);
        return file;
      },
      write: (fd, parts) => {
        unsynced.add(opened.get(fd)!);
        return nodeFileOps.write(fd, parts);
      },
      sync: async (fd) => {
        await nodeFileOps.sync(fd);
        unsynced.delete(opened.get(fd)!);
      },
      flush: async () => {
        const answer = answers[flushes];
        flushes += 1;
        assert.ok(answer !== undefined, "one flush more than it takes");
        // What is written from now on may or may not be with it.
        const before = [...unsynced];
        await setImmediate();
        if (answer) for (const path of before) unsynced.delete(path);
        return answer;
      },
      rename: (from, to) => {
        if (from.endsWith(".new")) {
          assert.ok(!unsynced.has(from), `${from} was renamed before it was synced`);
          renames += 1;
        }
        nodeFileOps.rename(from, to);
      },
    };
    const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal, ops });
    assert.ok(applied.ok, applied.ok ? "" : applied.message);
    assert.equal(renames, count);
  });
}

test("a file system is synced whole where Linux promises it for that kind, and nowhere else", async (t) => {
  const flushed = async (folder: string) => {
    const fd = openSync(folder, "r");
    t.after(() => closeSync(fd));
    return nodeFileOps.flush(fd);
  };
  assert.equal(await flushed(process.platform === "linux" ? "/proc/self" : "/"), false);
  const isMemory = process.platform === "linux" && statfsSync("/dev/shm").type === 0x01021994;
  if (isMemory) assert.equal(await flushed("/dev/shm"), true);
});
