import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findGitRoot, readProjectDocs } from "../../src/config/index.js";
import fc from "../support/fast-check.js";
import { makePlace, type Place } from "./place.js";

const read = (place: Place, more: { cwd?: string; maxBytes?: number; fallbackNames?: string[] } = {}) =>
  readProjectDocs({ home: place.home, cwd: place.cwd, maxBytes: 32_768, ...more });

test("the user's own file, then from the git root down to the cwd", (t) => {
  const place = makePlace(t);
  mkdirSync(join(place.cwd, ".git"));
  const outside = place.write("AGENTS.md", "above the root");
  const own = place.write("home/AGENTS.md", "own");
  const root = place.write("work/AGENTS.md", "root\n");
  const deep = place.write("work/a/b/AGENTS.md", "deep");
  place.write("work/a/c/AGENTS.md", "aside");
  const docs = read(place, { cwd: join(place.cwd, "a/b") });
  assert.deepEqual(docs, {
    parts: [
      { path: own, text: "own" },
      { path: root, text: "root\n" },
      { path: deep, text: "deep" },
    ],
    cut: false,
    warnings: [],
  });
  assert.ok(!docs.parts.some((part) => part.path === outside));
});

test("without a git root only the cwd counts", (t) => {
  const place = makePlace(t);
  place.write("work/AGENTS.md", "above");
  const path = place.write("work/a/AGENTS.md", "here");
  assert.deepEqual(read(place, { cwd: join(place.cwd, "a") }).parts, [{ path, text: "here" }]);
});

test("an override stands before AGENTS.md, a fallback name after it; empty files add nothing", (t) => {
  const place = makePlace(t);
  mkdirSync(join(place.cwd, ".git"));
  place.write("work/AGENTS.md", "plain");
  const override = place.write("work/AGENTS.override.md", "override");
  const fallback = place.write("work/a/CLAUDE.md", "fallback");
  place.write("work/a/OTHER.md", "later");
  place.write("work/a/b/AGENTS.md", " \n");
  place.write("work/a/b/CLAUDE.md", "hidden by the empty one");
  const docs = read(place, { cwd: join(place.cwd, "a/b"), fallbackNames: ["CLAUDE.md", "OTHER.md"] });
  assert.deepEqual(docs.parts, [
    { path: override, text: "override" },
    { path: fallback, text: "fallback" },
  ]);
});

test("the home folder in the project is read once", (t) => {
  const place = makePlace(t);
  mkdirSync(join(place.top, ".git"));
  const path = place.write("home/AGENTS.md", "own");
  assert.deepEqual(read(place, { cwd: place.home }).parts, [{ path, text: "own" }]);
});

test("0 bytes: the user's own file alone", (t) => {
  const place = makePlace(t);
  const path = place.write("home/AGENTS.md", "own");
  place.write("work/AGENTS.md", "project");
  assert.deepEqual(read(place, { maxBytes: 0 }).parts, [{ path, text: "own" }]);
});

test("the cut falls between characters, is told, and ends the reading", (t) => {
  const place = makePlace(t);
  mkdirSync(join(place.cwd, ".git"));
  const own = place.write("home/AGENTS.md", "12345");
  const path = place.write("work/AGENTS.md", "é€😀x");
  place.write("work/a/AGENTS.md", "never");
  const note = (max: number) => `[cut here: the instruction files together pass ${max} bytes]`;
  const at = (maxBytes: number) => read(place, { cwd: join(place.cwd, "a"), maxBytes });
  for (const [max, text] of [
    [6, ""],
    [7, "é"],
    [9, "é"],
    [10, "é€"],
    [13, "é€"],
    [14, "é€😀"],
  ] as const) {
    const docs = at(max);
    assert.equal(docs.cut, true);
    assert.deepEqual(docs.parts, [
      { path: own, text: "12345" },
      { path, text: `${text}${text === "" ? "" : "\n"}${note(max)}` },
    ]);
    assert.deepEqual(docs.warnings, [`${path}: cut, as the instruction files together pass ${max} bytes`]);
  }
  assert.equal(at(15).parts.length, 3);
  assert.equal(at(15).parts[2]?.text, note(15));
  assert.equal(at(20).cut, false);
});

test("bytes that are no UTF-8 do not pass the cap by being replaced; a byte order mark is dropped", (t) => {
  const place = makePlace(t);
  place.write("work/AGENTS.md", Buffer.alloc(90, 0xff));
  const docs = read(place, { maxBytes: 100 });
  assert.equal(docs.parts[0]?.text.split("\n")[0], "\ufffd".repeat(33));
  assert.equal(docs.cut, true);
  place.write("work/AGENTS.md", "\ufeffx");
  assert.equal(read(place).parts[0]?.text, "x");
});

test("a link is followed; out of the project only to a Markdown file", (t) => {
  const place = makePlace(t);
  mkdirSync(join(place.cwd, ".git"));
  const secret = place.write("id_rsa", "secret");
  place.write("notes.md", "shared");
  place.write("work/docs/rules.txt", "rules");
  const link = (name: string, target: string) => {
    mkdirSync(join(place.cwd, name));
    symlinkSync(target, join(place.cwd, name, "AGENTS.md"));
    return read(place, { cwd: join(place.cwd, name) });
  };
  assert.equal(link("inside", "../docs/rules.txt").parts[0]?.text, "rules");
  assert.equal(link("notes", "../../notes.md").parts[0]?.text, "shared");
  for (const [name, target] of [
    ["up", "../../id_rsa"],
    ["absolute", secret],
    ["environ", "/proc/self/environ"],
  ] as const) {
    const docs = link(name, target);
    assert.deepEqual(docs.parts, []);
    assert.match(docs.warnings[0] ?? "", /AGENTS\.md: links to a file outside of the project/);
  }
  symlinkSync(secret, join(place.home, "AGENTS.md"));
  assert.equal(read(place).parts[0]?.text, "secret", "the user's own link is the user's own choice");
});

test("the git root: a folder, a file, the nearest; nothing else named .git", (t) => {
  const place = makePlace(t);
  const deep = join(place.cwd, "a/b/c");
  mkdirSync(deep, { recursive: true });
  assert.equal(findGitRoot(deep), undefined);
  mkdirSync(join(place.cwd, ".git"));
  assert.equal(findGitRoot(deep), place.cwd);
  place.write("work/a/.git", "gitdir: elsewhere");
  assert.equal(findGitRoot(deep), join(place.cwd, "a"));
  symlinkSync(".git", join(place.cwd, "a/b/.git"));
  assert.equal(findGitRoot(deep), join(place.cwd, "a"), "a link to itself is no repository");
});

test("any tree, any cap: the order from the root down, the bytes within the cap, a prefix of what is there", () => {
  const text = fc
    .tuple(fc.constantFrom("", "", "\ufeff"), fc.string({ unit: "binary", minLength: 1, maxLength: 30 }))
    .map(([mark, rest]) => `${mark}${rest}`)
    // A character U+FFFD of the text's own looks like a cut one to the reckoning below.
    .filter((s) => s.trim() !== "" && !/[\0\ufffd\p{Surrogate}]/u.test(s));
  const level = fc.record({ agents: fc.option(text), override: fc.option(text) });
  const tree = fc.record({
    levels: fc.array(level, { minLength: 1, maxLength: 6 }),
    rootAt: fc.nat(5),
    cap: fc.integer({ min: 1, max: 120 }),
  });
  fc.assert(
    fc.property(tree, ({ levels, rootAt, cap }) => {
      const top = mkdtempSync(join(tmpdir(), "belay-docs-"));
      try {
        checkTree({ top, levels, root: rootAt % levels.length, cap });
      } finally {
        rmSync(top, { recursive: true });
      }
    }),
    { numRuns: 150 },
  );
});

interface Tree {
  readonly top: string;
  readonly levels: readonly { readonly agents: string | null; readonly override: string | null }[];
  readonly root: number;
  readonly cap: number;
}

function checkTree({ top, levels, root, cap }: Tree): void {
  let folder = top;
  const expected: { path: string; text: string }[] = [];
  for (const [index, { agents, override }] of levels.entries()) {
    folder = join(folder, "d");
    mkdirSync(folder);
    if (index === root) mkdirSync(join(folder, ".git"));
    if (agents !== null) writeFileSync(join(folder, "AGENTS.md"), agents);
    if (override !== null) writeFileSync(join(folder, "AGENTS.override.md"), override);
    const kept = override ?? agents;
    const name = override === null ? "AGENTS.md" : "AGENTS.override.md";
    if (index >= root && kept !== null) expected.push({ path: join(folder, name), text: plainText(kept) });
  }
  const docs = readProjectDocs({ home: join(top, "none"), cwd: folder, maxBytes: cap });
  assert.deepEqual({ parts: docs.parts, cut: docs.cut }, capped(expected, cap));
}

/** The parts as they are shown when together they may hold so many bytes. */
function capped(parts: readonly { path: string; text: string }[], cap: number) {
  const shown: { path: string; text: string }[] = [];
  let left = cap;
  for (const { path, text } of parts) {
    const bytes = Buffer.from(text);
    if (bytes.length > left) {
      const start = wholeCharacters(bytes.subarray(0, left));
      const note = `[cut here: the instruction files together pass ${cap} bytes]`;
      shown.push({ path, text: `${start}${start === "" || start.endsWith("\n") ? "" : "\n"}${note}` });
      return { parts: shown, cut: true };
    }
    left -= bytes.length;
    shown.push({ path, text });
  }
  return { parts: shown, cut: false };
}

/** Without the character that the end cuts. */
function wholeCharacters(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let end = bytes.length;
  while (decoder.decode(bytes.subarray(0, end)).endsWith("\ufffd")) end--;
  return decoder.decode(bytes.subarray(0, end));
}

/** A text as it comes back from a file: lone surrogates replaced, without its byte order mark. */
function plainText(text: string): string {
  return new TextDecoder().decode(Buffer.from(text));
}
