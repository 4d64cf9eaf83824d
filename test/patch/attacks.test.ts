import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  applyPlan,
  type FileOps,
  insideRoots,
  nodeFileOps,
  type PatchPlan,
  parsePatch,
  planPatch,
  realRoots,
} from "../../src/patch/index.js";
import { makePlace, type Place, patchOf, readTree, runPatch } from "./trees.js";
import { watchedOps } from "./twenty-files.js";

const NEVER = new AbortController().signal;
const change = (path: string) => patchOf(`*** Update File: ${path}`, "@@", "-x", "+y");

async function planned(text: string, place: Place, allowed?: (path: string) => boolean): Promise<PatchPlan | string> {
  const parsed = parsePatch(text);
  assert.ok(parsed.ok);
  const result = await planPatch(parsed.patch, { cwd: place.cwd, ...(allowed === undefined ? {} : { allowed }) });
  return result.ok ? result.plan : result.message;
}

const OUTSIDE = { a: "x\n", "deep/a": "x\n" };

/** A working folder, and beside it a folder that no patch may reach. */
function makeBoth(t: { after(run: () => void): void }): Place & { readonly outside: string } {
  const place = makePlace(t, { "in/a": "x\n", "in/deep/a": "x\n" });
  const outside = join(place.cwd, "..", "outside");
  mkdirSync(join(outside, "deep"), { recursive: true });
  writeFileSync(join(outside, "a"), "x\n");
  writeFileSync(join(outside, "deep", "a"), "x\n");
  return { ...place, outside };
}

test("paths that lead out are told by their real path, and refused when not allowed", async (t) => {
  const place = makeBoth(t);
  symlinkSync(place.outside, join(place.cwd, "folder"));
  symlinkSync(join(place.outside, "a"), join(place.cwd, "file"));
  symlinkSync("../outside", join(place.cwd, "in", "..folder"));
  const roots = realRoots([place.cwd]);
  for (const path of [
    "../outside/a",
    join(place.outside, "a"),
    "folder/a",
    "file",
    "in/../folder/a",
    "folder/../../outside/a",
  ]) {
    const plan = await planned(change(path), place);
    assert.ok(typeof plan !== "string", `${path}: ${String(plan)}`);
    assert.deepEqual(plan.paths, [join(place.outside, "a")], path);
    assert.equal(insideRoots(plan.paths, roots), false, path);
    assert.match(
      String(await planned(change(path), place, (real) => insideRoots(real, roots))),
      /outside the folders/,
      path,
    );
  }
  const added = await planned(patchOf("*** Add File: folder/new/b", "+b"), place);
  assert.ok(typeof added !== "string");
  assert.deepEqual(added.paths, [join(place.outside, "new/b")]);
  const moved = await planned(patchOf("*** Update File: in/a", "*** Move to: folder/b"), place);
  assert.ok(typeof moved !== "string");
  assert.equal(insideRoots(moved.paths, roots), false);
  const inside = await planned(change("in/a"), place, (real) => insideRoots(real, roots));
  assert.ok(typeof inside !== "string");
});

test("roots are real paths, and whole names", (t) => {
  const place = makePlace(t);
  symlinkSync(place.cwd, join(place.cwd, "..", "alias"));
  const roots = realRoots([join(place.cwd, "..", "alias"), join(place.cwd, "not", "yet")]);
  assert.deepEqual(roots, [place.cwd, join(place.cwd, "not", "yet")]);
  assert.ok(insideRoots(join(place.cwd, "a"), roots));
  assert.ok(insideRoots(place.cwd, roots));
  assert.ok(!insideRoots(`${place.cwd}2`, roots));
  assert.ok(!insideRoots(`${place.cwd}/../outside`, roots));
  assert.ok(!insideRoots("/", roots));
  assert.ok(insideRoots("/etc/passwd", realRoots(["/"])));
});

test("a link to a file is written through, and stays; deleting takes the link", async (t) => {
  const place = makeBoth(t);
  symlinkSync("in/a", join(place.cwd, "link"));
  symlinkSync(join(place.outside, "a"), join(place.cwd, "out"));
  assert.ok((await runPatch(change("link"), place)).ok);
  assert.deepEqual((await runPatch(patchOf("*** Delete File: out"), place)).ok, true);
  assert.deepEqual(readTree(place.cwd), { "in/a": "y\n", "in/deep/a": "x\n", link: "-> in/a" });
  assert.equal(readFileSync(join(place.outside, "a"), "utf8"), "x\n");
  assert.match(String(await planned(patchOf("*** Update File: link", "*** Move to: b"), place)), /symbolic link/);
});

test("links that lead nowhere or in a circle are refused", async (t) => {
  const place = makePlace(t);
  symlinkSync("missing", join(place.cwd, "nowhere"));
  symlinkSync("circle", join(place.cwd, "circle"));
  assert.match(String(await planned(patchOf("*** Add File: nowhere", "+x"), place)), /leads nowhere/);
  assert.match(String(await planned(patchOf("*** Add File: nowhere/x", "+x"), place)), /leads nowhere/);
  assert.match(String(await planned(patchOf("*** Add File: circle", "+x"), place)), /circle/);
  assert.match(String(await planned(patchOf("*** Add File: circle/x", "+x"), place)), /circle/);
});

test("a folder swapped for a link after the plan is not followed", async (t) => {
  for (const text of [
    change("in/a"),
    ...["in/b", "in/deep/b", "in/deep/new/b"].map((path) => patchOf(`*** Add File: ${path}`, "+b")),
  ]) {
    const place = makeBoth(t);
    const plan = await planned(text, place);
    assert.ok(typeof plan !== "string");
    renameSync(join(place.cwd, "in"), join(place.cwd, "was"));
    symlinkSync(place.outside, join(place.cwd, "in"));
    const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal });
    assert.equal(applied.ok, false);
    assert.deepEqual(readTree(place.outside), OUTSIDE);
    assert.deepEqual(readTree(join(place.cwd, "was")), OUTSIDE);
  }
});

test("a folder swapped for a link at any moment of the work is not followed", async (t) => {
  for (let moment = 0; moment < 40; moment += 1) {
    const place = makeBoth(t);
    const plan = await planned(patchOf("*** Add File: in/deep/b", "+b"), place);
    assert.ok(typeof plan !== "string");
    const ops = watchedOps((count) => {
      if (count !== moment) return;
      renameSync(join(place.cwd, "in"), join(place.cwd, "was"));
      symlinkSync(place.outside, join(place.cwd, "in"));
    });
    const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal, ops });
    // Where the folder itself went, the patch may have followed: it is the planned one. Never to where the link leads.
    assert.deepEqual(readTree(place.outside), OUTSIDE, `moment ${moment}`);
    const worked = join(place.cwd, readdirSync(place.cwd).includes("was") ? "was" : "in");
    assert.deepEqual(
      readTree(join(worked, "deep")),
      applied.ok ? { a: "x\n", b: "b\n" } : { a: "x\n" },
      `moment ${moment}`,
    );
  }
});

test("a file swapped for a link after the plan is not followed", async (t) => {
  const place = makeBoth(t);
  const plan = await planned(change("in/a"), place);
  assert.ok(typeof plan !== "string");
  renameSync(join(place.cwd, "in/a"), join(place.cwd, "in/was"));
  symlinkSync(join(place.outside, "a"), join(place.cwd, "in/a"));
  const applied = await applyPlan(plan, { signal: NEVER, journal: place.journal });
  assert.ok(!applied.ok && applied.kind === "changed");
  assert.deepEqual(readTree(place.outside), OUTSIDE);
});

test("what is not a regular file is refused without waiting for it", async (t) => {
  const place = makePlace(t);
  execFileSync("mkfifo", [join(place.cwd, "pipe")]);
  for (const path of ["pipe", "/dev/null", "/dev/tty"]) {
    for (const text of [change(path), patchOf(`*** Add File: ${path}`, "+x"), patchOf(`*** Delete File: ${path}`)]) {
      assert.match(String(await planned(text, place)), /not a regular file|No such|no such/, path);
    }
  }
  assert.match(String(await planned(patchOf("*** Add File: /"), place)), /folder/);
});

test("a name that is too long or holds control characters is refused, a strange one taken", async (t) => {
  const place = makePlace(t, { "a\nb/c": "x\n" });
  const long = "n".repeat(4096);
  assert.match(String(await planned(patchOf(`*** Add File: ${long}`, "+x"), place)), /too long/);
  assert.match(String(await planned(patchOf(`*** Add File: d/${long}/e`, "+x"), place)), /too long/);
  assert.ok(!parsePatch(patchOf("*** Add File: a\tb", "+x")).ok);
  const odd = { ...place, cwd: join(place.cwd, "a\nb") };
  assert.ok((await runPatch(change("c"), odd)).ok);
  assert.ok((await runPatch(patchOf("*** Add File: -rf *?'\"$(x)", "+x", "*** Add File: __proto__", "+x"), odd)).ok);
  assert.deepEqual(readdirSync(odd.cwd).sort(), ["-rf *?'\"$(x)", "__proto__", "c"]);
});

test("a rename that changes case only works where case does not count", async (t) => {
  const place = makePlace(t, { "in/readme.md": "x\n" });
  const ops = ignoringCase(join(place.cwd, "in"));
  const outcome = await runPatch(
    patchOf("*** Update File: in/readme.md", "*** Move to: in/README.md", "@@", "-x", "+y"),
    place,
    ops,
  );
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.message);
  assert.deepEqual(readTree(place.cwd), { "in/README.md": "y\n" });
});

/** The real file system, but for names in one folder, which are found whatever their case. */
function ignoringCase(folder: string): FileOps {
  const find = (path: string): string => {
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    const names = readdirSync(folder);
    const match = names.includes(name) ? name : names.find((other) => other.toLowerCase() === name.toLowerCase());
    return `${path.slice(0, slash + 1)}${match ?? name}`;
  };
  return {
    ...nodeFileOps,
    lstat: (path) => nodeFileOps.lstat(find(path)),
    open: (path, access) => nodeFileOps.open(find(path), access),
    link: (from, to) => nodeFileOps.link(find(from), find(to)),
    unlink: (path) => nodeFileOps.unlink(find(path)),
    rename: (from, to) => nodeFileOps.rename(find(from), find(to)),
  };
}
