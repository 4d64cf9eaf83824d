import { type Case, update } from "./case.js";
import { patchOf } from "./trees.js";

const TWO_CLASSES = "class A:\n    def go(self):\n        return 1\n\nclass B:\n    def go(self):\n        return 1\n";
/** Which lines a hunk means. */
export const FINDING: readonly Case[] = [
  {
    name: "blanks at the end don't matter, and stay in kept lines",
    before: { a: "k  \nx\t\n" },
    patch: update("a", "@@", " k", "-x", "+y"),
    after: { a: "k  \ny\n" },
  },
  {
    name: "indentation of context doesn't matter, and stays",
    before: { a: "\tk\n\tx\n" },
    patch: update("a", "@@", " k", "-x", "+y"),
    after: { a: "\tk\ny\n" },
  },
  {
    name: "look-alike quotes and dashes",
    before: { a: "k “q” – x\nold\n" },
    patch: update("a", "@@", ' k "q" - x', "-old", "+new"),
    after: { a: "k “q” – x\nnew\n" },
  },
  {
    name: "exact goes before alike",
    before: { a: "  x\nx\n" },
    patch: update("a", "@@", "-x", "+y"),
    after: { a: "  x\ny\n" },
  },
  {
    name: "decomposed accents",
    before: { a: "cafe\u0301\n" },
    patch: update("a", "@@", "-caf\u00e9", "+tea"),
    after: { a: "tea\n" },
  },
  {
    name: "an anchor picks the place",
    before: { a: TWO_CLASSES },
    patch: update("a", "@@ class B:", "-        return 1", "+        return 2"),
    after: { a: TWO_CLASSES.replace(/1\n$/, "2\n") },
  },
  {
    name: "stacked anchors",
    before: { a: TWO_CLASSES },
    patch: update("a", "@@ class B:", "@@     def go(self):", "-        return 1", "+        return 2"),
    after: { a: TWO_CLASSES.replace(/1\n$/, "2\n") },
  },
  {
    name: "an anchor that is the start of a line",
    before: { a: "class Bar:\n  x\nclass B(C):\n  x\n" },
    patch: update("a", "@@ class B", "-  x", "+  y"),
    after: { a: "class Bar:\n  x\nclass B(C):\n  y\n" },
  },
  {
    name: "the same anchor for two hunks",
    before: { a: "def f():\n  a\n  b\n  c\n" },
    patch: update("a", "@@ def f():", "-  a", "+  A", "@@ def f():", "-  c", "+  C"),
    after: { a: "def f():\n  A\n  b\n  C\n" },
  },
  {
    name: "lines added below an anchor",
    before: { a: "one\ntwo\nthree\n" },
    patch: update("a", "@@ two", "+x"),
    after: { a: "one\ntwo\nx\nthree\n" },
  },
  {
    name: "lines added below the last line",
    before: { a: "one\ntwo\n" },
    patch: update("a", "@@ two", "+x"),
    after: { a: "one\ntwo\nx\n" },
  },
  {
    name: "hunks with equal lines take them in order",
    before: { a: "x\nk\nx\n" },
    patch: update("a", "@@", "-x", "+1", "@@", "-x", "+2"),
    after: { a: "1\nk\n2\n" },
  },
  {
    name: "a later hunk decides for an earlier one",
    before: { a: "x\nm\nx\n" },
    patch: update("a", "@@", "-x", "+1", "@@", "-m", "+M"),
    after: { a: "1\nM\nx\n" },
  },
  {
    name: "an anchor that the first context line repeats",
    before: { a: TWO_CLASSES },
    patch: update(
      "a",
      "@@ class B:",
      "@@     def go(self):",
      "     def go(self):",
      "-        return 1",
      "+        return 2",
    ),
    after: { a: TWO_CLASSES.replace(/1\n$/, "2\n") },
  },
  {
    name: "a thousand equal lines",
    before: { a: "x\n".repeat(30_000) },
    patch: update("a", "@@", ...Array.from({ length: 1000 }, () => " x "), "+y"),
    refused: /ambiguous.*lines 1, 2, 3, 4, 5, 6 and more/,
  },
  {
    name: "End of File picks the last place",
    before: { a: "x\nx\n" },
    patch: update("a", "@@", "-x", "+y", "*** End of File"),
    after: { a: "x\ny\n" },
  },
  {
    name: "End of File before blank lines",
    before: { a: "x\nx\n\n\n" },
    patch: update("a", "@@", "-x", "+y", "*** End of File"),
    after: { a: "x\ny\n\n\n" },
  },
  {
    name: "a blank line after a hunk stands for nothing",
    before: { a: "x\nk\n" },
    patch: update("a", "@@", "-x", "+y", "", "@@", "-k", "+K"),
    after: { a: "y\nK\n" },
  },
  {
    name: "two sections for one file",
    before: { a: "1\n2\n" },
    patch: patchOf("*** Update File: a", "@@", "-2", "+b", "*** Update File: a", "@@", "-1", "+a", "+b2"),
    after: { a: "a\nb2\nb\n" },
  },
  {
    name: "ambiguous lines",
    before: { a: "x\nk\nx\n" },
    patch: update("a", "@@", "-x", "+y"),
    refused: /hunk 1 of 1 \(patch line 3\) is ambiguous.*lines 1, 3/,
  },
  {
    name: "ambiguous within an anchor's block",
    before: { a: "def f():\n  x\n  k\n  x\ndef g():\n" },
    patch: update("a", "@@ def f():", "-  x", "+  y"),
    refused: /ambiguous.*lines 2, 4/,
  },
  {
    name: "ambiguous anchors",
    before: { a: TWO_CLASSES },
    patch: update("a", "@@     def go(self):", "-        return 1", "+        return 2"),
    refused: /ambiguous.*lines 3, 7/,
  },
  {
    name: "ambiguous place to add",
    before: { a: TWO_CLASSES },
    patch: update("a", "@@     def go(self):", "+        pass"),
    refused: /ambiguous: its anchor stands at lines 2 and 6/,
  },
  {
    name: "an anchor that isn't there",
    before: { a: "x\n" },
    patch: update("a", "@@ def f():", "-x", "+y"),
    refused: /anchor "def f\(\):" that no line/,
  },
  {
    name: "an anchor that stands below",
    before: { a: "x\nclass A:\n" },
    patch: update("a", "@@ class A:", "-x", "+y"),
    refused: /line 1 only, above its anchor/,
  },
  {
    name: "hunks that go up",
    before: { a: "1\n2\n" },
    patch: update("a", "@@", "-2", "+b", "@@", "-1", "+a"),
    refused: /hunk 2 of 2 .*line 1 only, above the end/,
  },
  {
    name: "End of File that isn't",
    before: { a: "x\nk\n" },
    patch: update("a", "@@", "-x", "+y", "*** End of File"),
    refused: /stand at line 1, not at the end/,
  },
  {
    name: "the closest place is named",
    before: { a: "one\ntwo\nthree\n" },
    patch: update("a", "@@", " one", "-tow", " three"),
    refused:
      /Closest is line 1, where 2 of its 3 old lines stand; but line 2 of the file is "two", and the patch has "tow"/,
  },
  {
    name: "the closest line is named",
    before: { a: "const answer = 42;\n" },
    patch: update("a", "@@", "-const answer = 41;", "+x"),
    refused: /closest is line 1: "const answer = 42;"/,
  },
  {
    name: "the closest place is none that begins above the file",
    before: { a: "one\ntwo\n" },
    patch: update("a", "@@", " three", " four", "-one", "+x"),
    refused: /does not match the file\. It has no line like "three"$/,
  },
  {
    name: "blocks alike in a file of equal lines are looked for once",
    before: { a: "x\n".repeat(60_000) },
    patch: update("a", ...Array.from({ length: 200 }, (_, at) => ["@@ x", "  x", "-x ", `+${at}`]).flat()),
    refused: /hunk 1 of 200 .* is ambiguous/,
  },
  {
    name: "no more places are looked at than can be in good time",
    before: { a: "x\n".repeat(60_000) },
    patch: update(
      "a",
      ...Array.from({ length: 200 }, (_, at) => ["@@ x", ` x${" ".repeat(at + 1)}`, "-x", "+y"]).flat(),
    ),
    refused: /lines like "x +" stand in too many places/,
  },
];
