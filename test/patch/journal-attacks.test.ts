import assert from "node:assert/strict";
import { chmodSync, linkSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nodeFileOps, recoverPatches } from "../../src/patch/index.js";
import fc from "../support/fast-check.js";
import { journalsOf, makePlace, type Place, readTree } from "./trees.js";

const ID = "0123456789abcdef";
const NAME = `${ID}~1-1-0-1.patch`;
const options = { alive: () => false };

function writeJournal(place: Place, records: readonly unknown[], name = NAME): string {
  mkdirSync(place.journal, { recursive: true });
  const path = join(place.journal, name);
  writeFileSync(
    path,
    records.map((record) => `${typeof record === "string" ? record : JSON.stringify(record)}\n`).join(""),
  );
  return path;
}

function versionOf(path: string): string {
  return nodeFileOps.lstat(path)!.version;
}

function setUp(t: { after(run: () => void): void }): Place & { readonly victim: string } {
  const place = makePlace(t, { "victim/file": "precious\n", "mine/file": "mine\n" });
  return { ...place, victim: join(place.cwd, "victim") };
}

test("a journal alone changes no file, whatever it says", async (t) => {
  const place = setUp(t);
  const was = readTree(place.cwd);
  const file = { folder: place.victim, name: "file", was: versionOf(join(place.victim, "file")) };
  const now = file.was;
  for (const backup of ["link", "rename", "copy"]) {
    for (const state of ["committed", "undoing", "staging"]) {
      for (const kind of ["delete", "write", "inplace", "create"]) {
        const step = kind === "create" ? { kind, folder: file.folder, name: file.name } : { kind, ...file };
        const records: unknown[] = [{ v: 1, steps: [step], folders: [place.victim] }];
        if (state !== "staging") records.push({ state: "committed", staged: [{ now, backup }] });
        if (state === "undoing") records.push({ state: "undoing" });
        writeJournal(place, records);
        const ended = await recoverPatches(place.journal, options);
        assert.equal(ended.length, 1);
        assert.deepEqual(readTree(place.cwd), was, `${kind} ${state} ${backup}`);
      }
    }
  }
});

test("names and folders that lead elsewhere are refused, and the journal is put aside", async (t) => {
  const place = setUp(t);
  const { folder, name, was } = { folder: place.victim, name: "file", was: versionOf(join(place.victim, "file")) };
  const broken: readonly unknown[] = [
    { kind: "delete", folder, name: "../mine/file", was },
    { kind: "delete", folder, name: "..", was },
    { kind: "delete", folder, name: "", was },
    { kind: "delete", folder, name: "a\0b", was },
    { kind: "delete", folder: `${folder}/../mine`, name, was },
    { kind: "delete", folder: "victim", name, was },
    { kind: "delete", folder: `${folder}/`, name, was },
    { kind: "delete", folder, name },
    { kind: "write", folder, name, was: "1:2" },
    { kind: "remove", folder, name, was },
    null,
    "delete",
  ];
  for (const step of broken) {
    const path = writeJournal(place, [{ v: 1, steps: [step], folders: [] }]);
    const [ended] = await recoverPatches(place.journal, options);
    assert.equal(ended?.outcome, "refused", JSON.stringify(step));
    assert.deepEqual(
      journalsOf(place).filter((other) => other.endsWith(".patch")),
      [],
      path,
    );
  }
  for (const records of [
    ["null"],
    ["{"],
    [{ v: 2, steps: [], folders: [] }],
    [{ v: 1, steps: [], folders: ["/"] }],
    [{ v: 1, steps: [], folders: [] }, "x"],
  ]) {
    writeJournal(place, records);
    assert.equal((await recoverPatches(place.journal, options))[0]?.outcome, "refused", JSON.stringify(records));
  }
  assert.deepEqual(Object.keys(readTree(place.cwd)), ["mine/file", "victim/file"]);
});

test("files beside the target don't help: a staged link, a foreign hard link, a folder that is a link", async (t) => {
  const place = setUp(t);
  const { victim } = place;
  const mine = join(place.cwd, "mine");
  const staged = (folder: string, suffix: string) => join(folder, `.belay-${ID}-0.${suffix}`);
  // A link as the new content would make the target one.
  symlinkSync(join(victim, "file"), staged(mine, "new"));
  const step = { kind: "write", folder: mine, name: "file", was: versionOf(join(mine, "file")) };
  writeJournal(place, [
    { v: 1, steps: [step], folders: [] },
    { state: "committed", staged: [{ now: step.was, backup: "link" }] },
  ]);
  await recoverPatches(place.journal, options);
  assert.deepEqual(readTree(place.cwd), { "mine/file": "mine\n", "victim/file": "precious\n" });
  // A folder reached through a link is not the folder of the journal.
  symlinkSync(victim, join(place.cwd, "alias"));
  linkSync(join(victim, "file"), staged(victim, "old"));
  const through = {
    kind: "delete",
    folder: join(place.cwd, "alias"),
    name: "file",
    was: versionOf(join(victim, "file")),
  };
  writeJournal(place, [
    { v: 1, steps: [through], folders: [] },
    { state: "committed", staged: [{ now: "", backup: "link" }] },
  ]);
  const [ended] = await recoverPatches(place.journal, options);
  assert.deepEqual(ended?.kept, [join(place.cwd, "alias", "file")]);
  assert.ok(lstatSync(join(victim, "file")).isFile());
});

test("a journal that others could write, a link, a folder: not read", async (t) => {
  const place = setUp(t);
  const records = [{ v: 1, steps: [], folders: [] }];
  chmodSync(writeJournal(place, records), 0o666);
  assert.equal((await recoverPatches(place.journal, options))[0]?.outcome, "refused");
  writeFileSync(join(place.cwd, "elsewhere"), `${JSON.stringify(records[0])}\n`);
  symlinkSync(join(place.cwd, "elsewhere"), join(place.journal, NAME));
  assert.equal((await recoverPatches(place.journal, options))[0]?.outcome, "failed");
  mkdirSync(join(place.journal, `fedcba9876543210~1-1-0-1.patch`));
  assert.ok((await recoverPatches(place.journal, options)).every(({ outcome }) => outcome === "failed"));
  writeFileSync(join(place.journal, "notes.txt"), "kept");
  assert.ok(journalsOf(place).includes("notes.txt"));
});

test("a journal whose first line was never finished is removed", async (t) => {
  const place = setUp(t);
  mkdirSync(place.journal, { recursive: true });
  for (const text of ["", '{"v":1,"ste']) {
    writeFileSync(join(place.journal, NAME), text);
    assert.deepEqual(await recoverPatches(place.journal, options), []);
    assert.deepEqual(journalsOf(place), []);
  }
});

test("random journals are survived, and touch nothing", async (t) => {
  const place = setUp(t);
  const was = readTree(place.cwd);
  const text = fc.oneof(
    fc.constantFrom(place.victim, `${place.victim}/file`, "file", "delete", "write", "link", "1:2:3:4", ""),
    fc.string(),
  );
  const step = fc.record({ kind: text, folder: text, name: text, was: text }, { requiredKeys: [] });
  const record = fc.oneof(
    fc.record({
      v: fc.constant(1),
      steps: fc.array(step, { maxLength: 3 }),
      folders: fc.array(text, { maxLength: 2 }),
    }),
    fc.record({
      state: fc.constantFrom("committed", "undoing", "x"),
      staged: fc.array(fc.record({ now: text, backup: text }), { maxLength: 3 }),
    }),
    fc.jsonValue(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 3 }), async (records) => {
      writeJournal(place, records);
      await recoverPatches(place.journal, options);
      assert.deepEqual(readTree(place.cwd), was);
    }),
    { numRuns: 200 },
  );
});
