import { type Case, update } from "./case.js";
import { patchOf } from "./trees.js";

/** How patches are written: forms that are taken, and forms that are not. */
export const WRITING: readonly Case[] = [
  {
    name: "several changes in one hunk, with lines between them that stay",
    before: { a: "1\n2\n3\n4\n5\n6\n7\n" },
    patch: update("a", "@@", " 1", "-2", "+two", "+2b", " 3", " 4", "+4b", " 5", "-6", " 7"),
    after: { a: "1\ntwo\n2b\n3\n4\n4b\n5\n7\n" },
  },
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
