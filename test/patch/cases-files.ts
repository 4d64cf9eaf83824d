import { type Case, update } from "./case.js";
import { patchOf } from "./trees.js";

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
