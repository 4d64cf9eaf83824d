import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import {
  applyAtOnce,
  applyPlan,
  type FileOps,
  nodeFileOps,
  type Patch,
  parsePatch,
  planPatch,
} from "../../src/patch/index.js";
import { journalsOf, makePlace, type Place, patchOf, readTree, TOUCHES } from "./trees.js";

const { signal } = new AbortController();

/** Changes `x` to `y` in each of the files. */
function changing(names: readonly string[]): Patch {
  const parsed = parsePatch(patchOf(...names.flatMap((name) => [`*** Update File: ${name}`, "@@", "-x", "+y"])));
  assert.ok(parsed.ok);
  return parsed.patch;
}

/** Waits until the clock of the file system shows that its files were not written a moment ago. */
async function untilOld({ cwd }: Place): Promise<void> {
  const clock = join(cwd, "..", "clock");
  const wanted = Math.max(...Object.keys(readTree(cwd)).map((name) => statSync(join(cwd, name)).ctimeMs)) + 100;
  for (;;) {
    writeFileSync(clock, "");
    if (statSync(clock).mtimeMs > wanted) break;
    await after(10);
  }
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `f${n}`);
}

function contents(count: number): Record<string, string> {
  return Object.fromEntries(names(count).map((name) => [name, `x\n${name}\n`]));
}

/** The real file system, with its calls by name and path. */
function recorded(calls: string[]): FileOps {
  return {
    ...nodeFileOps,
    open: (path, access) => {
      calls.push(`open ${path.split("/").at(-1)}`);
      return nodeFileOps.open(path, access);
    },
    create: (path, mode) => {
      calls.push("create");
      return nodeFileOps.create(path, mode);
    },
  };
}

test("many files are read once each, when they are staged", async (t) => {
  const place = makePlace(t, contents(40));
  await untilOld(place);
  const calls: string[] = [];
  const ops = recorded(calls);
  const outcome = await applyAtOnce(changing(names(40)), { ...place, signal, ops });
  assert.ok(outcome.ok);
  assert.deepEqual(
    readTree(place.cwd),
    Object.fromEntries(
      names(40)
        .sort()
        .map((name) => [name, `y\n${name}\n`]),
    ),
  );
  const opened = calls.filter((call) => call.startsWith("open f"));
  assert.deepEqual(
    opened,
    names(40).map((name) => `open ${name}`),
  );
  assert.ok(calls.indexOf("create") < calls.indexOf("open f0"));
  assert.deepEqual(journalsOf(place), []);
});

test("a patch that does not fit is refused as if it had been planned in full; of few files, before anything is made", async (t) => {
  for (const count of [31, 32]) {
    const place = makePlace(t, { ...contents(count), f7: "other\n", f20: "other\n" });
    await untilOld(place);
    const was = readTree(place.cwd);
    const calls: string[] = [];
    const patch = changing(names(count));
    const outcome = await applyAtOnce(patch, { ...place, signal, ops: recorded(calls) });
    assert.ok(!outcome.ok);
    assert.deepEqual(outcome, await planPatch(patch, place));
    assert.match(outcome.message, /^update "f7": /);
    assert.equal(calls.includes("create"), count === 32);
    assert.deepEqual(readTree(place.cwd), was);
    assert.deepEqual(journalsOf(place), []);
  }
});

test("a file named twice, an added one and one that is moved do not wait", async (t) => {
  const place = makePlace(t, { a: "x\nz\n", b: "x\n", c: "x\n", m: "x\n" });
  await untilOld(place);
  const text = patchOf(
    ...["*** Update File: a", "@@", "-x", "+y", "*** Update File: b", "@@", "-x", "+y"],
    ...["*** Add File: d", "+x", "*** Update File: c", "*** Move to: e", "@@", "-x", "+y"],
    ...["*** Update File: ./a", "@@", "-z", "+1"],
    ...["*** Update File: m", "@@", "-x", "+y", "*** Update File: m", "*** Move to: n"],
  );
  const parsed = parsePatch(text);
  assert.ok(parsed.ok);
  const outcome = await applyAtOnce(parsed.patch, { ...place, signal, lateFrom: 1 });
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.message);
  assert.deepEqual(readTree(place.cwd), { a: "y\n1\n", b: "y\n", d: "x\n", e: "y\n", n: "y\n" });
});

test("a file that changes between its plan and its staging is seen, and keeps its change", async (t) => {
  for (const [name, touch] of Object.entries(TOUCHES)) {
    const place = makePlace(t, { a: "x\n", b: "x\n" });
    await untilOld(place);
    const planned = await planPatch(changing(["b", "a"]), { ...place, place: "late" });
    assert.ok(planned.ok);
    // Else nothing would be tried here.
    assert.ok(planned.plan.steps.every(({ late, old }) => late !== undefined && old === undefined));
    touch(join(place.cwd, "a"));
    const was = readTree(place.cwd);
    const applied = await applyPlan(planned.plan, { ...place, signal });
    assert.ok(!applied.ok, name);
    assert.match(applied.kind, /^(unfit|failed)$/, name);
    assert.deepEqual(readTree(place.cwd), was, name);
    assert.deepEqual(journalsOf(place), []);
  }
});

test("a file that is moved, or deleted, after hunks that do not fit is kept", async (t) => {
  for (const then of [["*** Update File: a", "*** Move to: b"], ["*** Delete File: a"]]) {
    const place = makePlace(t, { a: "x\n" });
    await untilOld(place);
    const parsed = parsePatch(patchOf("*** Update File: a", "@@", "-no such line", "+y", ...then));
    assert.ok(parsed.ok);
    const outcome = await applyAtOnce(parsed.patch, { ...place, signal, lateFrom: 1 });
    assert.match(outcome.ok ? "" : outcome.message, /^update "a": /);
    assert.deepEqual(readTree(place.cwd), { a: "x\n" });
  }
});

test("a file that was written a moment ago is planned in full", async (t) => {
  const place = makePlace(t, contents(2));
  await untilOld(place);
  const patch = changing(names(2));
  const late = await planPatch(patch, { ...place, place: "late" });
  assert.ok(late.ok && late.plan.steps[0]!.late !== undefined);
  writeFileSync(join(place.cwd, "f0"), "x\nagain\n");
  const now = await planPatch(patch, { ...place, place: "late" });
  assert.ok(now.ok && now.plan.steps[0]!.late === undefined && now.plan.steps[1]!.late !== undefined);
});
