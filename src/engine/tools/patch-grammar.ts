import type { ToolSpec } from "../../model/index.js";

const DESCRIPTION = `Edits files: all of the patch is applied, or nothing. Paths are relative to the current folder.

*** Begin Patch
*** Add File: path
+every line of the new file
*** Delete File: path
*** Update File: path
*** Move to: new/path        (optional)
@@ a line that stands above the change, such as a function's head   (optional)
 unchanged line
-removed line
+added line
*** End Patch

Give about three unchanged lines around each change, exactly as they stand in the file.`;

/** The form of a patch, for models whose output can be held to a grammar (Lark). */
const GRAMMAR = `start: "*** Begin Patch" LF section+ "*** End Patch" LF?

section: added | deleted | updated
added: "*** Add File: " PATH LF plus+
deleted: "*** Delete File: " PATH LF
updated: "*** Update File: " PATH LF moved? hunk+
moved: "*** Move to: " PATH LF

hunk: anchor* line+ eof?
anchor: "@@" (" " TEXT)? LF
line: plus | minus | same
plus: "+" TEXT? LF
minus: "-" TEXT? LF
same: " " TEXT? LF
eof: "*** End of File" LF

PATH: /[^\\n]+/
TEXT: /[^\\n]+/
LF: "\\n"
`;

/** For any model: one string argument. */
export const PATCH_FUNCTION: ToolSpec = {
  type: "function",
  name: "apply_patch",
  description: DESCRIPTION,
  parameters: {
    type: "object",
    properties: { input: { type: "string", description: "The patch." } },
    required: ["input"],
    additionalProperties: false,
  },
};

/** For models that take custom tools: the patch is the call's whole text. */
export const PATCH_CUSTOM: ToolSpec = {
  type: "custom",
  name: "apply_patch",
  description: DESCRIPTION,
  format: { type: "grammar", syntax: "lark", definition: GRAMMAR },
};
