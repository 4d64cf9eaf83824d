import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DEFAULT_BUDGET, mayRun, sweepCheckpoints, thisProcess, Undoing } from "../../src/checkpoint/index.js";
import { GIT_ENV, git, openPlace } from "./place.js";
import { snapshot } from "./snapshot.js";

/** A place with some files, and short ways to them. */
function filled(files: Readonly<Record<string, string>>, options: Parameters<typeof openPlace>[0] = {}) {
  const place = openPlace(options);
  const at = (name: string) => join(place.work, name);
  const write = (name: string, text: string) => {
    fs.mkdirSync(join(at(name), ".."), { recursive: true });
    fs.writeFileSync(at(name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { place, at, write, read: (name: string) => fs.readFileSync(at(name), "utf8") };
}

describe("what someone changed since", () => {
  const open = async () => {
    const scene = filled({ a: "a1", b: "b1", c: "c1" });
    await scene.place.call("1", () => {
      for (const name of ["a", "b"]) scene.write(name, `${name}2`);
      fs.unlinkSync(scene.at("c"));
      scene.write("new/d", "d2");
    });
    await scene.place.end("1");
    return scene;
  };

  it("is refused by name, and nothing is done", async () => {
    const { place, at, write } = await open();
    write("b", "mine");
    write("c", "mine too");
    fs.unlinkSync(at("new/d"));
    const now = snapshot(place.work);
    const prepared = await place.undoing.prepare({ conversation: "conversation" });
    assert.ok(prepared.ok);
    assert.deepEqual(
      prepared.undo.conflicts.map(({ path, why }) => [path, why]),
      [
        [at("b"), "it was changed since"],
        [at("c"), "it was made anew since"],
      ],
    );
    assert.equal((await place.undo()).ok, false);
    assert.deepEqual(snapshot(place.work), now);
    await place.close();
  });

  it("stays with keep, and goes and comes back with overwrite", async () => {
    const { place, write, read } = await open();
    write("b", "mine");
    assert.ok((await place.undo({ onConflict: "keep" })).ok);
    assert.deepEqual([read("a"), read("b"), read("c")], ["a1", "mine", "c1"]);
    assert.ok((await place.undo({ redo: true })).ok);
    assert.deepEqual([read("a"), read("b")], ["a2", "mine"]);
    assert.ok((await place.undo({ onConflict: "overwrite" })).ok);
    assert.deepEqual([read("a"), read("b")], ["a1", "b1"]);
    assert.ok((await place.undo({ redo: true })).ok);
    assert.equal(read("b"), "mine");
    await place.close();
  });

  it("between two calls of the turn is no part of the turn", async () => {
    const { place, write, read } = filled({ a: "a1" });
    await place.call("1", () => write("a", "a2"));
    await place.checkpoints.idle();
    write("a", "mine");
    await later(30);
    await place.call("1", () => write("a", "a3"));
    await place.end("1");
    assert.equal((await place.undo()).ok, false);
    assert.ok((await place.undo({ call: "last" })).ok);
    assert.equal(read("a"), "mine");
    await place.close();
  });

  it("right after a call is not the call's", async () => {
    const { place, at, write, read } = filled({ a: "a1", b: "b1" });
    const { signal } = new AbortController();
    const watched = await place.checkpoints.before(
      { turn: "1", call: "c", cwd: place.work },
      { roots: [place.work] },
      signal,
    );
    write("a", "a2");
    place.checkpoints.after(watched!);
    // In the place of the wait for the clock of files: times of what comes next are set to later than the call.
    await later(60);
    write("b", "mine");
    write("new", "mine");
    assert.deepEqual(await place.end("1"), [at("a"), at("b")]);
    await place.undo({ onConflict: "keep" });
    assert.deepEqual([read("a"), read("b"), fs.existsSync(at("new"))], ["a1", "mine", true]);
    await place.close();
  });

  it("does not hide a folder that has something else in it", async () => {
    const { place, write, at } = await open();
    write("new/mine", "mine");
    await place.undo();
    assert.deepEqual([fs.existsSync(at("new/mine")), fs.existsSync(at("new/d"))], [true, false]);
    await place.close();
  });
});

/** Blocks the thread, so that the scan of `after` comes later. */
function later(ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until);
  return Promise.resolve();
}

describe("turns and calls", () => {
  it("go back one by one, and forth again", async () => {
    const { place, write, read } = filled({ a: "0" });
    for (const turn of ["1", "2", "3"]) {
      await place.call(turn, () => write("a", turn));
      await place.end(turn);
    }
    for (const expected of ["2", "1", "0"]) {
      assert.ok((await place.undo()).ok);
      assert.equal(read("a"), expected);
    }
    assert.match((await place.undo()).message, /undone already/);
    for (const expected of ["1", "2", "3"]) {
      assert.ok((await place.undo({ redo: true })).ok);
      assert.equal(read("a"), expected);
    }
    assert.match((await place.undo({ redo: true })).message, /nothing is undone/);
    assert.equal((await place.undo({ turn: "1" })).ok, false, "a later turn changed the same file");
    assert.match((await place.undo({ turn: "9" })).message, /no turn 9/);
    await place.close();
  });

  it("of a turn one call alone can be undone, and then the rest", async () => {
    const { place, write, read, at } = filled({ a: "a1" });
    await place.call("1", () => write("a", "a2"));
    await place.call("1", () => write("b", "b2"));
    await place.end("1");
    assert.ok((await place.undo({ call: "last" })).ok);
    assert.deepEqual([read("a"), fs.existsSync(at("b"))], ["a2", false]);
    assert.ok((await place.undo()).ok);
    assert.equal(read("a"), "a1");
    await place.close();
  });

  it("a patch's files are known without a look at the others", async () => {
    const { place, write, read, at } = filled({ a: "a1" });
    const { signal } = new AbortController();
    const files = [at("a"), at("new/folder/b")];
    const watched = await place.checkpoints.before({ turn: "1", call: "p", cwd: place.work }, { files }, signal);
    write("a", "a2");
    write("new/folder/b", "b2");
    write("other", "not the patch's");
    place.checkpoints.after(watched!);
    assert.deepEqual(await place.end("1"), files);
    assert.ok((await place.undo()).ok);
    assert.deepEqual([read("a"), fs.readdirSync(place.work).sort()], ["a1", ["a", "other"]]);
    await place.close();
  });

  it("everything can go, the folder itself too", async () => {
    const { place } = filled({ "a/b": "1", c: "2" });
    const before = snapshot(place.work);
    await place.call("1", () => fs.rmSync(place.work, { recursive: true }));
    await place.end("1");
    assert.ok((await place.undo()).ok);
    assert.deepEqual(snapshot(place.work), before);
    await place.close();
  });
});

it("a mode that changes within the second of git's own look is seen where git is asked", async () => {
  const { place, at } = filled({ a: "1" }, { budget: { ...DEFAULT_BUDGET, askGitFrom: 0 } });
  fs.chmodSync(at("a"), 0o600);
  git(place.work, "init", "-q");
  git(place.work, "add", "a");
  await later(30);
  git(place.work, "add", "--renormalize", "a");
  await place.call("1", () => fs.chmodSync(at("a"), 0o644));
  assert.deepEqual(await place.end("1"), [at("a")]);
  assert.ok((await place.undo()).ok);
  assert.equal(fs.statSync(at("a")).mode & 0o777, 0o600);
  await place.close();
});

it("a look ahead that was asked for before a call, and has its turn during it, takes nothing from the call", async () => {
  const { place, write, read } = filled({ a: "a1", b: "b1" });
  const { signal } = new AbortController();
  const calling = place.checkpoints.before(
    { turn: "1", call: "call", cwd: place.work },
    { roots: [place.work] },
    signal,
  );
  place.checkpoints.prepare([place.work]);
  const watched = await calling;
  write("a", "a2");
  await place.checkpoints.idle();
  write("b", "b2");
  place.checkpoints.after(watched!);
  assert.deepEqual(await place.end("1"), [join(place.work, "a"), join(place.work, "b")]);
  assert.deepEqual(await place.undo(), { ok: true, message: "[]" });
  assert.deepEqual([read("a"), read("b")], ["a1", "b1"]);
  await place.close();
});

describe("what is not covered", () => {
  const small = { ...DEFAULT_BUDGET, fileBytes: 1000, ignoredEntries: 3, ignoredBytes: 100 };

  it("is named when it is needed, and the rest goes back with keep", async () => {
    const { place, write, read, at } = filled({ large: "x".repeat(2000), a: "a1" }, { budget: small });
    await place.call("1", () => {
      write("large", "gone");
      write("a", "a2");
    });
    await place.end("1");
    const prepared = await place.undoing.prepare({ conversation: "conversation" });
    assert.ok(prepared.ok);
    assert.deepEqual(prepared.undo.lost, [{ path: at("large"), why: "it is larger than 0 MiB" }]);
    assert.match((await place.undo()).message, /not everything can be brought back/);
    assert.ok((await place.undo({ onConflict: "keep" })).ok);
    assert.deepEqual([read("a"), read("large")], ["a1", "gone"]);
    await place.close();
  });

  it("more files than the budget allows are told at once, and once looked for", async () => {
    const { place, write } = filled({ a: "1", b: "2", c: "3" }, { budget: { ...DEFAULT_BUDGET, entries: 2 } });
    await place.call("1", () => write("a", "x"));
    assert.match(place.checkpoints.takeFailures().join(), /more than 2 files/);
    await place.end("1");
    assert.match((await place.undo()).message, /what call call-1 changed is not known: there are more than 2/);
    await place.close();
  });

  it("the user's own folder is no project, and is not looked at", async () => {
    const env = { ...GIT_ENV };
    const { place, write } = filled({ a: "1" }, { env });
    env.HOME = join(place.work, "..");
    await place.call("1", () => write("a", "2"), [join(place.work, "..")]);
    assert.match(place.checkpoints.takeFailures().join(), /is no project's folder/);
    assert.deepEqual(await place.end("1"), []);
    await place.close();
  });

  it("small ignored files are covered, large ignored folders are left alone", async () => {
    const { place, write, read, at } = filled(
      { ".gitignore": "*.log\nout/\n", "x.log": "1", "out/1": "1", "out/2": "1", "out/3": "1", "out/4": "1", a: "1" },
      { budget: small },
    );
    git(place.work, "init", "-q");
    git(place.work, "add", "a");
    await place.call("1", () => {
      write("x.log", "2");
      write("out/1", "2");
      write("a", "2");
      fs.mkdirSync(at("lib/out"), { recursive: true });
      for (const name of ["1", "2", "3", "4", "5"]) write(`lib/out/${name}`, "big");
    });
    assert.deepEqual(await place.end("1"), [at("a"), at("x.log")]);
    const prepared = await place.undoing.prepare({ conversation: "conversation" });
    assert.ok(prepared.ok);
    assert.deepEqual([prepared.undo.lost, prepared.undo.conflicts], [[], []]);
    await place.undo();
    assert.deepEqual([read("a"), read("x.log"), read("out/1"), read("lib/out/5")], ["1", "1", "2", "big"]);
    await place.close();
  });
});

describe("bytes that git keeps otherwise", () => {
  for (const [name, attributes] of [
    ["line endings", "*.txt text eol=crlf\n"],
    ["an id", "*.txt ident\n"],
    ["a filter that keeps the length", "*.txt filter=turn\n"],
    ["an encoding", "*.txt working-tree-encoding=UTF-16LE\n"],
  ] as const) {
    it(`come back as they were: ${name}`, async () => {
      const text = "abc $Id$\nx\n";
      const { place, at, write } = filled({ "a.txt": text });
      git(place.work, "init", "-q");
      git(place.work, "config", "filter.turn.clean", "tr a-m n-z");
      git(place.work, "config", "filter.turn.smudge", "tr n-z a-m");
      git(place.work, "add", "-A");
      git(place.work, "commit", "-qm", "x");
      write(".gitattributes", attributes);
      git(place.work, "add", ".gitattributes");
      fs.unlinkSync(at("a.txt"));
      git(place.work, "checkout", "-q", "a.txt");
      // From here on the file is clean in git's eyes, and certainly older than the index.
      await later(30);
      git(place.work, "read-tree", "HEAD");
      git(place.work, "add", "-A");
      const before = fs.readFileSync(at("a.txt"));
      if (name !== "a filter that keeps the length") assert.notEqual(before.toString("latin1"), text);
      await place.call("1", () => fs.writeFileSync(at("a.txt"), "changed"));
      await place.end("1");
      assert.ok((await place.undo()).ok);
      assert.deepEqual(fs.readFileSync(at("a.txt")), before);
      await place.close();
    });
  }
});

describe("a hostile project", () => {
  it("starts no program of its own, whatever its git says", async () => {
    const { place, at, write } = filled(
      { "a.txt": "1", ".gitattributes": "* filter=evil\n" },
      { budget: { ...DEFAULT_BUDGET, askGitFrom: 0 } },
    );
    const { work } = place;
    git(work, "init", "-q");
    git(work, "add", "-A");
    git(work, "commit", "-qm", "x");
    const evil = `touch ${at("EVIL")}; cat`;
    fs.writeFileSync(join(work, ".git/evil.sh"), `#!/bin/sh\ntouch ${at("EVIL")}\n`, { mode: 0o755 });
    for (const [key, value] of [
      ["core.fsmonitor", join(work, ".git/evil.sh")],
      ["filter.evil.clean", evil],
      ["filter.evil.smudge", evil],
      ["filter.evil.process", evil],
      ["diff.external", evil],
      ["core.pager", evil],
      ["core.sshCommand", evil],
      ["extensions.partialClone", "origin"],
      ["remote.origin.url", `ext::sh -c "touch ${at("EVIL")}"`],
      ["remote.origin.promisor", "true"],
      ["protocol.ext.allow", "always"],
    ]) {
      fs.appendFileSync(join(work, ".git/config"), toSection(key!, value!));
    }
    for (const hook of ["post-index-change", "pre-commit", "fsmonitor-watchman"]) {
      fs.mkdirSync(join(work, ".git/hooks"), { recursive: true });
      fs.copyFileSync(join(work, ".git/evil.sh"), join(work, ".git/hooks", hook));
    }
    // An object that is missing, so that git would like to fetch it.
    const oid = git(work, "rev-parse", "HEAD:a.txt").trim();
    fs.rmSync(join(work, ".git/objects", oid.slice(0, 2), oid.slice(2)));
    fs.rmSync(at("EVIL"), { force: true });
    for (const turn of ["2", "3"]) await place.call(turn, () => write("a.txt", turn));
    await place.end("3");
    await place.undo({ onConflict: "keep" });
    assert.equal(fs.existsSync(at("EVIL")), false);
    await place.close();
  });

  it("a git program in the project itself is not used", async () => {
    const env = { ...GIT_ENV };
    const { place, write, at } = filled({ "a.txt": "1", "bin/x": "" }, { env });
    env.PATH = `${at("bin")}:${GIT_ENV.PATH}`;
    fs.writeFileSync(at("bin/git"), `#!/bin/sh\ntouch ${at("EVIL")}\n`, { mode: 0o755 });
    git(place.work, "init", "-q");
    git(place.work, "add", "a.txt");
    await place.call("1", () => write("a.txt", "2"));
    await place.end("1");
    assert.ok((await place.undo()).ok);
    assert.equal(fs.existsSync(at("EVIL")), false);
    await place.close();
  });

  it("a link put in the place of a folder leads no undo out of it", async () => {
    const { place, at, write } = filled({ "dir/a": "1", "dir/b": "1" });
    await place.call("1", () => {
      write("dir/a", "2");
      fs.unlinkSync(at("dir/b"));
    });
    await place.end("1");
    const outside = join(place.home, "../outside");
    fs.mkdirSync(outside);
    fs.writeFileSync(join(outside, "a"), "2");
    const prepared = await place.undoing.prepare({ conversation: "conversation" });
    assert.ok(prepared.ok);
    fs.renameSync(at("dir"), at("away"));
    fs.symlinkSync(outside, at("dir"));
    const end = await place.undoing.carryOut("conversation", prepared.undo);
    assert.equal(end.ok, false);
    assert.deepEqual(fs.readdirSync(outside), ["a"]);
    assert.equal(fs.readFileSync(join(outside, "a"), "utf8"), "2");
    const again = await place.undo({ onConflict: "overwrite" });
    assert.equal(again.ok, false, again.message);
    assert.deepEqual(fs.readdirSync(outside), ["a"]);
    assert.equal(fs.readFileSync(join(outside, "a"), "utf8"), "2");
    await place.close();
  });

  it("a journal that was tampered with moves nothing, and damaged contents are not put anywhere", async () => {
    const { place, write, read } = filled({ a: "1" });
    await place.call("1", () => write("a", "2"));
    await place.end("1");
    const journal = join(place.home, "checkpoints/conversation/journal.jsonl");
    const line = {
      type: "changes",
      turn: "1",
      call: "call-1",
      changes: [{ path: "/etc/../x", before: null, after: 3 }],
    };
    fs.appendFileSync(journal, `${JSON.stringify(line)}\n\0\0\0\n{"type":"undo"`);
    const objects = join(place.home, "checkpoints/objects");
    for (const name of fs.readdirSync(objects, { recursive: true }) as string[]) {
      if (fs.statSync(join(objects, name)).isFile()) fs.writeFileSync(join(objects, name), "3");
    }
    const end = await place.undo();
    assert.match(end.message, /nothing was undone: the content kept of ".*a" is damaged or gone/);
    assert.equal(read("a"), "2");
    await place.close();
  });
});

describe("space", () => {
  it("old conversations go, and contents that none needs; living ones stay", async () => {
    const { place, write } = filled({ a: "1" });
    await place.call("1", () => write("a", "2"));
    await place.end("1");
    // It has swept by itself, as it does once a day.
    await place.checkpoints.idle();
    const day = 24 * 3600 * 1000;
    const now = Date.now();
    const options = { now, isAlive: () => false };
    assert.deepEqual(sweepCheckpoints(place.home, options), { conversations: 0, objects: 0, bytes: 0 });
    const late = { now: now + 31 * day };
    assert.equal(sweepCheckpoints(place.home, { ...late, isAlive: () => true }).conversations, 0);
    assert.deepEqual(sweepCheckpoints(place.home, { ...late, isAlive: () => false }), {
      conversations: 1,
      objects: 2,
      bytes: 2,
    });
    assert.deepEqual(fs.readdirSync(join(place.home, "checkpoints")), ["objects", "swept"]);
    await place.close();
  });

  it("everything in the home folder is for its owner alone", async () => {
    const { place, write } = filled({ a: "1" });
    await place.call("1", () => write("a", "2"));
    await place.end("1");
    await place.undo();
    const folder = join(place.home, "checkpoints");
    for (const name of ["", ...(fs.readdirSync(folder, { recursive: true }) as string[])]) {
      const stat = fs.statSync(join(folder, name));
      assert.equal(stat.mode & 0o777, stat.isDirectory() ? 0o700 : 0o600, name);
    }
    await place.close();
  });
});

describe("other processes", () => {
  it("a turn that still runs elsewhere is not undone", async () => {
    const { place, write, read } = filled({ a: "1" });
    await place.call("1", () => write("a", "2"));
    await place.checkpoints.idle();
    const isAlive = () => true;
    const clock = { now: () => Date.now(), monotonic: () => performance.now() };
    const { signal } = new AbortController();
    const undoing = new Undoing({ home: place.home, clock, env: GIT_ENV, owner: "other", isAlive, signal });
    const prepared = await undoing.prepare({ conversation: "conversation" });
    assert.match(prepared.ok ? "" : prepared.message, /still running/);
    assert.equal(read("a"), "2");
    assert.ok(mayRun(thisProcess()) && !mayRun("?"));
    await place.close();
  });
});

function toSection(key: string, value: string): string {
  const parts = key.split(".");
  const name = parts.pop();
  const [section, ...rest] = parts;
  const head = rest.length === 0 ? `[${section}]` : `[${section} "${rest.join(".")}"]`;
  return `${head}\n\t${name} = ${JSON.stringify(value)}\n`;
}
