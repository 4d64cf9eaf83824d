import { patchOf, type Tree } from "./trees.js";

/** One patch on one tree: what it becomes, or the words a refusal has to hold (the tree then stays). */
export interface Case {
  readonly name: string;
  readonly before: Tree;
  readonly patch: string;
  readonly after?: Tree;
  readonly refused?: RegExp;
}

const update = (path: string, ...lines: readonly string[]): string => patchOf(`*** Update File: ${path}`, ...lines);
const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");
const swapped = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

const TWO_CLASSES = "class A:\n    def go(self):\n        return 1\n\nclass B:\n    def go(self):\n        return 1\n";

/** How patches are written: forms that are taken, and forms that are not. */
export const WRITING: readonly Case[] = [
  {
    name: "heredoc around the patch",
    before: { a: "x\n" },
    patch: `<<'EOF'\n${update("a", "@@", "-x", "+y")}EOF\n`,
    after: { a: "y\n" },
  },
  {
    name: "heredoc with the command",
    before: { a: "x\n" },
    patch: `apply_patch <<"PATCH"\n${update("a", "@@", "-x", "+y")}PATCH`,
    after: { a: "y\n" },
  },
  {
    name: "code fence around the patch",
    before: { a: "x\n" },
    patch: `\`\`\`diff\n${update("a", "@@", "-x", "+y")}\`\`\`\n`,
    after: { a: "y\n" },
  },
  {
    name: "doubled Begin",
    before: { a: "x\n" },
    patch: `*** Begin Patch\n${update("a", "@@", "-x", "+y")}`,
    after: { a: "y\n" },
  },
  {
    name: "missing End",
    before: { a: "x\n" },
    patch: "*** Begin Patch\n*** Update File: a\n@@\n-x\n+y",
    after: { a: "y\n" },
  },
  {
    name: "two patches in a row",
    before: { a: "x\n" },
    patch: update("a", "@@", "-x", "+y") + update("a", "@@", "-y", "+z"),
    after: { a: "z\n" },
  },
  {
    name: "a patch with CRLF throughout",
    before: { a: "x\n" },
    patch: update("a", "@@", "-x", "+y").replaceAll("\n", "\r\n"),
    after: { a: "y\n" },
  },
  {
    name: "first hunk without @@",
    before: { a: "x\nk\n" },
    patch: update("a", "-x", "+y", " k"),
    after: { a: "y\nk\n" },
  },
  {
    name: "unified headers with line numbers",
    before: { a: "x\nk\n" },
    patch: update("a", "--- a/a", "+++ b/a", "@@ -1,2 +1,2 @@", "-x", "+y", " k"),
    after: { a: "y\nk\n" },
  },
  {
    name: "unified header that inserts",
    before: { a: "1\n2\n3\n" },
    patch: update("a", "@@ -1,0 +2,1 @@", "+x"),
    after: { a: "1\nx\n2\n3\n" },
  },
  {
    name: "blank lines between parts",
    before: { a: "x\n", b: "1\n" },
    patch: patchOf("", "*** Update File: a", "@@", "-x", "+y", "", "*** Delete File: b", ""),
    after: { a: "y\n" },
  },
  {
    name: "blank line of an added file without its plus",
    before: {},
    patch: patchOf("*** Add File: a", "+1", "", "+2", ""),
    after: { a: "1\n\n2\n" },
  },
  { name: "an added file of no lines", before: {}, patch: patchOf("*** Add File: a"), after: { a: "" } },
  {
    name: "an added file without a last newline",
    before: {},
    patch: patchOf("*** Add File: a", "+1", "\\ No newline at end of file"),
    after: { a: "1" },
  },
  {
    name: "an added file whose lines carry CR",
    before: {},
    patch: patchOf("*** Add File: a", "+1\r", "+2\r"),
    after: { a: "1\r\n2\r\n" },
  },
  {
    name: "an absolute path and a path with dots",
    before: { "d/a": "x\n" },
    patch: update("d/../d/./a", "@@", "-x", "+y"),
    after: { "d/a": "y\n" },
  },
  {
    name: "markers as content",
    before: { a: "*** End Patch\n" },
    patch: update("a", "@@", "-*** End Patch", "+*** Begin Patch"),
    after: { a: "*** Begin Patch\n" },
  },
  {
    name: "no Begin",
    before: { a: "x\n" },
    patch: "*** Update File: a\n@@\n-x\n+y\n",
    refused: /first line has to be '\*\*\* Begin Patch'/,
  },
  { name: "no text", before: {}, patch: "", refused: /first line/ },
  {
    name: "text after the End",
    before: { a: "x\n" },
    patch: `${update("a", "@@", "-x", "+y")}and so on`,
    refused: /text after/,
  },
  {
    name: "a line without its mark",
    before: { a: "x\n" },
    patch: update("a", "@@", "-x", "y"),
    refused: /line 5: unexpected "y"/,
  },
  {
    name: "an added line without its plus",
    before: {},
    patch: patchOf("*** Add File: a", "+1", "2"),
    refused: /line 4: "2": every line/,
  },
  {
    name: "a header without a path",
    before: {},
    patch: patchOf("*** Add File: ", "+1"),
    refused: /the path is missing/,
  },
  { name: "an empty hunk", before: { a: "x\n" }, patch: update("a", "@@", "@@ x"), refused: /no line of its own/ },
  {
    name: "an update that changes nothing",
    before: { a: "x\n" },
    patch: update("a", "@@", " x"),
    refused: /adds and removes no line/,
  },
  {
    name: "half a surrogate pair",
    before: { a: "x\n" },
    patch: update("a", "@@", "-x", "+\ud800"),
    refused: /surrogate/,
  },
  {
    name: "a control character in a path",
    before: {},
    patch: patchOf("*** Add File: a\u001b[2Kb", "+x"),
    refused: /control character/,
  },
];

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
];

/** Bytes that stay, and endings that new lines take. */
export const BYTES: readonly Case[] = [
  {
    name: "CRLF",
    before: { a: "a\r\nb\r\nc\r\n" },
    patch: update("a", "@@", " a", "-b", "+B", "+B2"),
    after: { a: "a\r\nB\r\nB2\r\nc\r\n" },
  },
  {
    name: "CRLF with a patch that shows the CR",
    before: { a: "a\r\nb\r\n" },
    patch: update("a", "@@", " a\r", "-b\r", "+B\r"),
    after: { a: "a\r\nB\r\n" },
  },
  {
    name: "mixed endings: each takes the replaced line's",
    before: { a: "a\r\nb\nc\r\n" },
    patch: update("a", "@@", "-a", "-b", "+A", "+B", " c"),
    after: { a: "A\r\nB\nc\r\n" },
  },
  {
    name: "mixed endings: an insertion takes the line's above",
    before: { a: "a\nb\r\nc\n" },
    patch: update("a", "@@", " b", "+x"),
    after: { a: "a\nb\r\nx\r\nc\n" },
  },
  {
    name: "an insertion at the start takes the line's below",
    before: { a: "a\r\nb\n" },
    patch: update("a", "@@", "+x", " a"),
    after: { a: "x\r\na\r\nb\n" },
  },
  { name: "lone CR", before: { a: "a\rb\rc" }, patch: update("a", "@@", "-b", "+B"), after: { a: "a\rB\rc" } },
  {
    name: "no last newline, elsewhere",
    before: { a: "a\nb" },
    patch: update("a", "@@", "-a", "+A", " b"),
    after: { a: "A\nb" },
  },
  {
    name: "no last newline, line added after it",
    before: { a: "a\r\nb" },
    patch: update("a", "@@", " b", "+c"),
    after: { a: "a\r\nb\r\nc\r\n" },
  },
  {
    name: "no last newline, last line dropped",
    before: { a: "a\nb" },
    patch: update("a", "@@", "-b"),
    after: { a: "a\n" },
  },
  {
    name: "no last newline, and two appends",
    before: { a: "a" },
    patch: update("a", "@@", "+b", "@@", "+c"),
    after: { a: "a\nb\nc\n" },
  },
  {
    name: "no last newline asked for",
    before: { a: "a\nb\n" },
    patch: update("a", "@@", "-b", "+B", "\\ No newline at end of file"),
    after: { a: "a\nB" },
  },
  { name: "an append to an empty file", before: { a: "" }, patch: update("a", "@@", "+x"), after: { a: "x\n" } },
  { name: "everything dropped", before: { a: "a\nb\n" }, patch: update("a", "@@", "-a", "-b"), after: { a: "" } },
  {
    name: "a byte order mark",
    before: { a: "\ufeffa\nb\n" },
    patch: update("a", "@@", "-a", "+A"),
    after: { a: "\ufeffA\nb\n" },
  },
  {
    name: "only a byte order mark",
    before: { a: "\ufeff" },
    patch: update("a", "@@", "+x"),
    after: { a: "\ufeffx\n" },
  },
  {
    name: "UTF-16, little end first",
    before: { a: utf16("\ufeffä\r\nb\r\n") },
    patch: update("a", "@@", "-ä", "+ö😀", " b"),
    after: { a: utf16("\ufeffö😀\r\nb\r\n") },
  },
  {
    name: "UTF-16, big end first, without last newline",
    before: { a: swapped("\ufeffa\nb\n\u0a00\u000ac") },
    patch: update("a", "@@", "-b", "+B"),
    after: { a: swapped("\ufeffa\nB\n\u0a00\u000ac") },
  },
  {
    name: "UTF-16 characters whose bytes look like a newline between them",
    before: { a: swapped("\ufeff\u0100\u0a05b\nc\n") },
    patch: update("a", "@@", " \u0100\u0a05b", "-c", "+C"),
    after: { a: swapped("\ufeff\u0100\u0a05b\nC\n") },
  },
  {
    name: "UTF-16 without a mark",
    before: { a: utf16("hello\nworld\n") },
    patch: update("a", "@@", "-world", "+there"),
    after: { a: utf16("hello\nthere\n") },
  },
  {
    name: "Latin-1",
    before: { a: latin1("caf\xe9\nb\n") },
    patch: update("a", "@@", " café", "-b", "+ü"),
    after: { a: latin1("caf\xe9\n\xfc\n") },
  },
  {
    name: "windows-1252",
    before: { a: Buffer.from("\x93q\x94\nb\n", "latin1") },
    patch: update("a", "@@", " “q”", "-b", "+€"),
    after: { a: Buffer.from("\x93q\x94\n\x80\n", "latin1") },
  },
  {
    name: "Latin-1 context read as UTF-8",
    before: { a: latin1("caf\xe9\nb\n") },
    patch: update("a", "@@", " caf\ufffd", "-b", "+B"),
    after: { a: latin1("caf\xe9\nB\n") },
  },
  {
    name: "Latin-1 can't hold the new line",
    before: { a: latin1("caf\xe9\nb\n") },
    patch: update("a", "@@", "-b", "+✅"),
    refused: /adds "✅", which/,
  },
  {
    name: "NUL and broken bytes elsewhere",
    before: { a: Buffer.from([0, 255, 10, 97, 10, 0xc3, 10, 0, 0]) },
    patch: update("a", "@@", "-a", "+b"),
    after: { a: Buffer.from([0, 255, 10, 98, 10, 0xc3, 10, 0, 0]) },
  },
  {
    name: "UTF-32",
    before: { a: Buffer.from([255, 254, 0, 0, 97, 0, 0, 0]) },
    patch: update("a", "@@", "-a", "+b"),
    refused: /UTF-32/,
  },
  {
    name: "a form feed and U+2028 belong to their line",
    before: { a: "a\u2028b\fc\nd\n" },
    patch: update("a", "@@", "-a\u2028b\fc", "+x"),
    after: { a: "x\nd\n" },
  },
];

/** What happens to files and folders. */
export const FILES: readonly Case[] = [
  {
    name: "a move without a change",
    before: { a: "x\r\n" },
    patch: update("a", "*** Move to: d/e/b"),
    after: { "d/e/b": "x\r\n" },
  },
  {
    name: "a move with a change",
    before: { a: "x\n" },
    patch: update("a", "*** Move to: b", "@@", "-x", "+y"),
    after: { b: "y\n" },
  },
  {
    name: "a move to itself",
    before: { a: "x\n" },
    patch: update("a", "*** Move to: ./a", "@@", "-x", "+y"),
    after: { a: "y\n" },
  },
  {
    name: "a move onto a file",
    before: { a: "x\n", b: "gone\n" },
    patch: update("a", "*** Move to: b"),
    after: { b: "x\n" },
  },
  {
    name: "a change of case only",
    before: { "readme.md": "x\n" },
    patch: update("readme.md", "*** Move to: README.md"),
    after: { "README.md": "x\n" },
  },
  {
    name: "files that change places",
    before: { a: "1\n", b: "2\n" },
    patch: patchOf(
      "*** Update File: a",
      "*** Move to: t",
      "*** Update File: b",
      "*** Move to: a",
      "*** Update File: t",
      "*** Move to: b",
    ),
    after: { a: "2\n", b: "1\n" },
  },
  {
    name: "a file moved and made anew",
    before: { a: "1\n" },
    patch: patchOf("*** Update File: a", "*** Move to: b", "*** Add File: a", "+2"),
    after: { a: "2\n", b: "1\n" },
  },
  {
    name: "an added file that is updated",
    before: {},
    patch: patchOf("*** Add File: a", "+1", "*** Update File: a", "@@", "-1", "+2"),
    after: { a: "2\n" },
  },
  {
    name: "an added file that is deleted",
    before: {},
    patch: patchOf("*** Add File: d/a", "+1", "*** Delete File: d/a"),
    after: {},
  },
  {
    name: "a deleted file that is added",
    before: { a: "1\n" },
    patch: patchOf("*** Delete File: a", "*** Add File: a", "+2"),
    after: { a: "2\n" },
  },
  {
    name: "an added file that is moved",
    before: {},
    patch: patchOf("*** Add File: a", "+1", "*** Update File: a", "*** Move to: b"),
    after: { b: "1\n" },
  },
  {
    name: "a moved file updated by its new name",
    before: { a: "1\n" },
    patch: patchOf("*** Update File: a", "*** Move to: b", "*** Update File: b", "@@", "-1", "+2"),
    after: { b: "2\n" },
  },
  {
    name: "an update of a deleted file",
    before: { a: "1\n" },
    patch: patchOf("*** Delete File: a", "*** Update File: a", "@@", "-1", "+2"),
    refused: /it was deleted by this patch/,
  },
  {
    name: "an update of a moved file",
    before: { a: "1\n" },
    patch: patchOf("*** Update File: a", "*** Move to: b", "*** Update File: a", "@@", "-1", "+2"),
    refused: /it was moved to .*b.* by this patch/,
  },
  {
    name: "deleted twice",
    before: { a: "1\n" },
    patch: patchOf("*** Delete File: a", "*** Delete File: a"),
    refused: /deleted by this patch/,
  },
  { name: "a file below a file", before: { a: "1\n" }, patch: patchOf("*** Add File: a/b", "+2"), refused: /a folder/ },
  {
    name: "a file below a file of the patch",
    before: {},
    patch: patchOf("*** Add File: a", "+1", "*** Add File: a/b", "+2"),
    refused: /can't be below/,
  },
  {
    name: "a file over a folder",
    before: { "d/a": "1\n" },
    patch: patchOf("*** Add File: d", "+2"),
    refused: /it is a folder/,
  },
  {
    name: "a move onto a folder",
    before: { a: "1\n", "d/a": "1\n" },
    patch: update("a", "*** Move to: d"),
    refused: /it is a folder/,
  },
  {
    name: "a path with a slash at its end",
    before: {},
    patch: patchOf("*** Add File: d/", "+2"),
    refused: /names a folder/,
  },
  {
    name: "a failing last section undoes all before",
    before: { a: "1\n", b: "2\n" },
    patch: patchOf("*** Delete File: a", "*** Add File: c/d", "+1", "*** Update File: b", "@@", "-3", "+4"),
    refused: /update "b": hunk 1 of 1/,
  },
];
