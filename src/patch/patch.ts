/** One line of a hunk. */
export interface HunkLine {
  /** Stays, goes, comes. */
  readonly kind: "keep" | "drop" | "add";
  readonly text: string;
  /** The patch has a wholly empty line here, without the leading blank of a context line: it may stand for nothing. */
  readonly bare?: true;
  /** Followed by "\ No newline at end of file". */
  readonly open?: true;
}

/** One change within a file. */
export interface Hunk {
  /** Its first line in the patch text, from 1. */
  readonly line: number;
  /** The texts after `@@`, outermost first: lines that stand above the change. */
  readonly anchors: readonly string[];
  readonly lines: readonly HunkLine[];
  /** The old lines are the last of the file. */
  readonly endOfFile: boolean;
  /** From a header such as `@@ -5,0 +6,2 @@`, for a hunk that only adds: the line after which it adds. */
  readonly insertAfter?: number;
}

/** What a patch says about one file; `path` is as written, `line` its header's line in the patch text, from 1. */
export type Section =
  | { readonly type: "add"; readonly path: string; readonly line: number; readonly content: string }
  | { readonly type: "delete"; readonly path: string; readonly line: number }
  | {
      readonly type: "update";
      readonly path: string;
      readonly line: number;
      readonly moveTo?: string;
      readonly hunks: readonly Hunk[];
    };

/** A patch as written, in order. At least one section. */
export interface Patch {
  readonly sections: readonly Section[];
}

/** What the patch room answers when a patch can't be used; the message is written for the model that wrote the patch. */
export interface Refusal {
  readonly ok: false;
  readonly message: string;
}

export function refuse(message: string): Refusal {
  return { ok: false, message };
}

/** A line as shown in a message: quoted, at most 160 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 160 ? `${text.slice(0, 159)}…` : text);
}
